// Package xpitems reads the goals of Sitecore XP from serialized items: those of the Sitecore
// CLI (doc.sitecore.com, "The YAML serialization format") and those of Unicorn, which Rainbow
// writes (https://github.com/SitecoreUnicorn/Rainbow). Both are YAML with the same keys.
package xpitems

import (
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Item is a serialized item. Fields are those of its newest version in any language, and the
// shared ones.
type Item struct {
	ID, Template string // GUIDs in lower case, without braces
	Path         string // such as /sitecore/content/Home/Pricing
	Fields       []Field
}

// Field is a field of an item.
type Field struct {
	ID, Name, Value string
	Language        string // "" for a shared one
}

// The parts of a file that are read.
type (
	fileField struct {
		ID    string `yaml:"ID"`
		Hint  string `yaml:"Hint"`
		Value string `yaml:"Value"`
	}
	fileVersion struct {
		Version int         `yaml:"Version"`
		Fields  []fileField `yaml:"Fields"`
	}
	fileItem struct {
		ID           string      `yaml:"ID"`
		Template     string      `yaml:"Template"`
		Path         string      `yaml:"Path"`
		SharedFields []fileField `yaml:"SharedFields"`
		Languages    []struct {
			Language string        `yaml:"Language"`
			Fields   []fileField   `yaml:"Fields"`
			Versions []fileVersion `yaml:"Versions"`
		} `yaml:"Languages"`
	}
)

// ErrNoItem is the error for a YAML file that is no item.
var ErrNoItem = errors.New("it is no serialized item")

// Read reads a file. The error is [ErrNoItem] for other YAML, or says what is wrong.
func Read(text []byte) (*Item, error) {
	var f fileItem
	if err := yaml.Unmarshal(text, &f); err != nil {
		var n yaml.Node
		if yaml.Unmarshal(text, &n) == nil && guid(f.ID) == "" {
			return nil, ErrNoItem // YAML for something else
		}
		return nil, err
	}
	it := &Item{ID: guid(f.ID), Template: guid(f.Template), Path: f.Path}
	if it.ID == "" || !strings.HasPrefix(it.Path, "/") {
		return nil, ErrNoItem
	}
	it.add("", f.SharedFields)
	for _, l := range f.Languages {
		it.add(l.Language, l.Fields)
		newest := fileVersion{}
		for _, v := range l.Versions {
			if v.Version >= newest.Version {
				newest = v
			}
		}
		it.add(l.Language, newest.Fields)
	}
	return it, nil
}

func (it *Item) add(language string, fields []fileField) {
	for _, f := range fields {
		it.Fields = append(it.Fields, Field{guid(f.ID), f.Hint, f.Value, language})
	}
}

// Value is the value of the field of that name or ID: the shared one, that in English, or
// else any.
func (it *Item) Value(name, id string) string {
	value := ""
	for _, f := range it.Fields {
		if f.Value == "" || !strings.EqualFold(f.Name, name) && (id == "" || f.ID != id) {
			continue
		}
		if f.Language == "" || f.Language == "en" {
			return f.Value
		}
		if value == "" {
			value = f.Value
		}
	}
	return value
}

// Name is the last part of the path.
func (it *Item) Name() string { return it.Path[strings.LastIndexByte(it.Path, '/')+1:] }

// guids matches GUIDs, with braces or without.
var guids = regexp.MustCompile(`[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}`)

// guid is a GUID in lower case, "" if the text is none.
func guid(text string) string {
	text = strings.ToLower(strings.Trim(strings.TrimSpace(text), "{}"))
	if guids.FindString(text) != text {
		return ""
	}
	return text
}

// tracking is what the field __Tracking of a page holds.
type tracking struct {
	Events    []named `xml:"event"`
	Campaigns []named `xml:"campaign"`
	Profiles  []named `xml:"profile"`
}

type named struct {
	ID    string `xml:"id,attr"`
	Name  string `xml:"name,attr"`
	Title string `xml:"title,attr"`
}

func readTracking(text string) (t tracking, err error) {
	if strings.TrimSpace(text) == "" {
		return t, nil
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(&t); err != nil {
		return t, fmt.Errorf("its field __Tracking cannot be read: %w", err)
	}
	return t, nil
}
