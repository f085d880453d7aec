package xpitems

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// IDs of Sitecore's own templates and fields. They are in the public code of modules, such as
// https://github.com/Sitecore/Sitecore.HabitatHome.Platform.
const (
	goalTemplate     = "475e9026-333f-432d-a4dc-52e03b75cb6b"
	eventTemplate    = "059cfbdf-49fc-4f14-a4e5-b63e1e1afb1e"
	campaignTemplate = "94fd1606-139e-46ee-86ff-bc5bf3c79804"
	outcomeTemplate  = "ee43c2f0-6277-4144-b144-8ca2cefccf12"
	trackingField    = "b0a67b2a-8b07-4e0b-8809-69f751709806"
)

// Goal is a goal of XP.
type Goal struct {
	ID, Name, Path     string
	Label, Description string
	Points             float64
	// Rule says that the goal has rules, which XP runs after it.
	Rule bool
	// Visits and Downloads are the addresses of pages and files whose field __Tracking names
	// it.
	Visits, Downloads []string
	// Named are other items that name it, such as the submit action of a form.
	Named []string
}

// Import is what was found.
type Import struct {
	Goals []Goal
	// Items are how many were looked at.
	Items int
	// Left are sentences on what has no counterpart, and on what could not be read.
	Left []string
}

// Options are how to read.
type Options struct {
	// StartItem is the path of the site's start item, such as /sitecore/content/Home. Default:
	// the first item named Home above each page.
	StartItem string
}

// These bound what is read.
const (
	maxFile  = 4 << 20
	maxFiles = 1_000_000
	maxLeft  = 200
)

// ReadDir reads all items below a directory. Links are not followed.
func ReadDir(ctx context.Context, dir fs.FS, o Options) (*Import, error) {
	r := &reader{dir: dir, options: o, goals: map[string]*Goal{}, byName: map[string]string{}, seen: map[string]bool{}, result: &Import{}}
	if err := r.walk(ctx, r.define); err != nil {
		return nil, err
	}
	clear(r.seen)
	r.result.Items = 0
	if err := r.walk(ctx, r.use); err != nil {
		return nil, err
	}
	for _, id := range slices.SortedFunc(maps.Keys(r.goals), func(a, b string) int {
		return cmp.Or(strings.Compare(r.goals[a].Path, r.goals[b].Path), strings.Compare(a, b))
	}) {
		r.result.Goals = append(r.result.Goals, *r.goals[id])
	}
	slices.Sort(r.result.Left)
	r.result.Left = slices.Compact(r.result.Left)
	if more := len(r.result.Left) - maxLeft; more > 0 {
		r.result.Left = append(r.result.Left[:maxLeft], fmt.Sprintf("And %d more.", more))
	}
	return r.result, nil
}

// reader reads a directory twice: which goals there are, and what names them.
type reader struct {
	dir     fs.FS
	options Options
	goals   map[string]*Goal
	byName  map[string]string // IDs by name, for tracking without IDs
	seen    map[string]bool   // IDs, since a directory may have an item in both formats
	result  *Import
}

func (r *reader) leave(format string, args ...any) {
	r.result.Left = append(r.result.Left, fmt.Sprintf(format, args...))
}

func (r *reader) walk(ctx context.Context, each func(*Item)) error {
	files := 0
	return fs.WalkDir(r.dir, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && name == ".":
			return err
		case err != nil:
			r.leave("%s cannot be read: %s.", name, reason(err))
			return nil
		case !entry.Type().IsRegular():
			return nil
		case !strings.EqualFold(filepath.Ext(name), ".yml") && !strings.EqualFold(filepath.Ext(name), ".yaml"):
			return nil
		}
		if files++; files > maxFiles {
			return fmt.Errorf("there are more than %d files", maxFiles)
		}
		r.file(name, each)
		return nil
	})
}

func (r *reader) file(name string, each func(*Item)) {
	text, err := readFile(r.dir, name)
	if err == nil && !isOfInterest(text, r.goals) {
		r.result.Items++ // as far as is known
		return
	}
	var it *Item
	if err == nil {
		it, err = Read(text)
	}
	switch {
	case errors.Is(err, ErrNoItem):
	case err != nil:
		r.leave("%s cannot be read: %s.", name, reason(err))
	case !r.seen[it.ID]:
		r.result.Items++
		r.seen[it.ID] = true
		each(it)
	}
}

// reason is an error in one line, and without a name that was said.
func reason(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

func readFile(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	// A file in UTF-16 says so by its first bytes. All others are UTF-8.
	text, err := io.ReadAll(io.LimitReader(transform.NewReader(f, unicode.BOMOverride(transform.Nop)), maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return text, err
}

// isOfInterest reports whether a file can be about goals. Most items of a site are not, and
// are not parsed.
func isOfInterest(text []byte, goals map[string]*Goal) bool {
	if bytes.Contains(text, []byte("__Tracking")) {
		return true
	}
	for _, found := range guids.FindAll(text, -1) {
		switch id := strings.ToLower(string(found)); id {
		case goalTemplate, eventTemplate, campaignTemplate, outcomeTemplate, trackingField:
			return true
		default:
			if goals[id] != nil {
				return true
			}
		}
	}
	return false
}

// define notes a goal.
func (r *reader) define(it *Item) {
	if it.Name() == "__Standard Values" {
		return
	}
	switch it.Template {
	case goalTemplate:
	case eventTemplate:
		if it.Value("IsGoal", "") != "1" {
			r.leave("Page event %s (%s) is no goal.", it.Name(), it.Path)
			return
		}
	case campaignTemplate:
		r.leave("Campaign %s (%s): goaltrack sends utm_ parameters of the visit; see $utm.", it.Name(), it.Path)
		return
	case outcomeTemplate:
		r.leave("Outcome %s (%s): what its code raises can be a goal with a value and a currency.", it.Name(), it.Path)
		return
	default:
		return
	}
	g := &Goal{ID: it.ID, Name: it.Name(), Path: it.Path, Label: cmp.Or(it.Value("__Display name", ""), it.Name()), Description: it.Value("Description", ""), Rule: it.Value("Rule", "") != ""}
	if points := strings.TrimSpace(it.Value("Points", "")); points != "" {
		n, err := strconv.ParseFloat(points, 64)
		switch {
		case err != nil || math.IsNaN(n) || math.IsInf(n, 0):
			r.leave("Goal %s: its points %q are no number.", g.Name, points)
		case n < 0:
			r.leave("Goal %s: its points %s are below 0, which a value is not.", g.Name, points)
		default:
			g.Points = n
		}
	}
	if g.Rule {
		r.leave("Goal %s has rules, which XP runs after it. They have no counterpart.", g.Name)
	}
	r.goals[g.ID], r.byName[strings.ToLower(g.Name)] = g, g.ID
}

// use notes what names goals.
func (r *reader) use(it *Item) {
	if r.goals[it.ID] != nil {
		return
	}
	mine := map[string]bool{} // goals of the item's tracking
	for _, f := range it.Fields {
		if !strings.EqualFold(f.Name, "__Tracking") && f.ID != trackingField {
			continue
		}
		t, err := readTracking(f.Value)
		if err != nil {
			r.leave("%s: %s.", it.Path, reason(err))
			continue
		}
		for _, e := range t.Events {
			id := cmp.Or(guid(e.ID), r.byName[strings.ToLower(e.Name)])
			if mine[id] {
				continue
			}
			mine[id] = true
			r.track(it, id, e)
		}
		for _, c := range t.Campaigns {
			r.leave("%s belongs to the campaign %s, which has no counterpart.", it.Path, cmp.Or(c.Title, c.Name, c.ID))
		}
		if len(t.Profiles) > 0 {
			r.leave("%s has profile cards or values, which have no counterpart.", it.Path)
		}
	}
	for _, f := range it.Fields {
		for _, found := range guids.FindAllString(f.Value, -1) {
			id := strings.ToLower(found)
			if g := r.goals[id]; g != nil && !mine[id] && !slices.Contains(g.Named, it.Path) && len(g.Named) < 10 {
				g.Named = append(g.Named, it.Path)
			}
		}
	}
}

// track adds an item to the goal that its tracking names.
func (r *reader) track(it *Item, id string, e named) {
	g := r.goals[id]
	if g == nil {
		r.leave("%s names %s, which is no goal among these items.", it.Path, cmp.Or(e.Name, e.ID))
		return
	}
	switch address, file, ok := addressOf(it, r.options.StartItem); {
	case !ok && strings.HasPrefix(strings.ToLower(it.Path), "/sitecore/templates/"):
		r.leave("Goal %s is on all items of a template (%s): add the addresses of its pages.", g.Name, it.Path)
	case !ok:
		r.leave("Goal %s is on %s, which is below no start item: --start-item names it.", g.Name, it.Path)
	case file:
		g.Downloads = append(g.Downloads, address)
	default:
		g.Visits = append(g.Visits, address)
	}
}

const (
	content = "/sitecore/content/"
	media   = "/sitecore/media library/"
)

// addressOf is the address of an item: of a page that below the start item, of a file that
// of Sitecore's media handler.
func addressOf(it *Item, start string) (address string, file, ok bool) {
	lower := strings.ToLower(it.Path)
	start = strings.TrimRight(start, "/")
	switch {
	case strings.HasPrefix(lower, media):
		return "/-/media/" + written(it.Path[len(media):]) + extension(it), true, true
	case start != "" && strings.EqualFold(it.Path, start):
		return "/", false, true
	case start != "" && len(it.Path) > len(start) && it.Path[len(start)] == '/' && strings.EqualFold(it.Path[:len(start)], start):
		return written(it.Path[len(start):]), false, true
	case start != "" || !strings.HasPrefix(lower, content):
		return "", false, false
	}
	at := len(content) - 1
	for rest := it.Path[at:]; rest != ""; {
		part, more, _ := strings.Cut(rest[1:], "/")
		if strings.EqualFold(part, "home") {
			return cmp.Or(written(rest[1+len(part):]), "/"), false, true
		}
		if rest = ""; more != "" {
			rest = "/" + more
		}
	}
	return "", false, false
}

// extension is that of a file, with its point.
func extension(it *Item) string {
	ext := strings.TrimPrefix(strings.TrimSpace(it.Value("Extension", "")), ".")
	if ext == "" {
		return ""
	}
	return "." + ext
}

// written is a path as Sitecore writes it into links: encodeNameReplacements makes - of a
// blank unless a site changes that.
func written(path string) string { return strings.ReplaceAll(path, " ", "-") }
