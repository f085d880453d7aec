package settings

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind says how a value is written, and what it becomes.
type Kind int

// The kinds of settings.
const (
	Text     Kind = iota // any text, for the program to judge
	Word                 // one of a few words
	Switch               // true or false
	Time                 // a time.Duration
	Count                // a whole number
	Number               // a number that may have a fraction
	Size                 // bytes
	List                 // texts with commas between them, or a list in the file
	Texts                // a List whose entries may hold commas if the file lists them
	Networks             // a List of networks and addresses
	File                 // the name of a file; in the settings file it is relative to that
	Dir                  // the name of a directory, likewise
	Group                // a list of settings, in the settings file alone
)

// String says how a value of this kind is written.
func (k Kind) String() string {
	return [...]string{
		"text", "word", "switch", "time", "whole number", "number", "size", "list", "list", "networks", "file", "directory", "list of settings",
	}[k]
}

func (k Kind) isList() bool { return k == List || k == Texts || k == Networks }

func (k Kind) isPath() bool { return k == File || k == Dir }

// None is the word for a list that is empty on purpose.
const None = "none"

// parse reads a value that is not empty. entries are what a list holds.
func (s *Setting) parse(text string, entries []string) (any, error) {
	switch s.Kind {
	case Switch:
		on, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		return on, nil
	case Time:
		return s.parseTime(text)
	case Count:
		return s.bounded(text, func(text string) (float64, error) {
			n, err := strconv.ParseInt(text, 10, 64)
			return float64(n), err
		})
	case Number:
		return s.bounded(text, func(text string) (float64, error) { return strconv.ParseFloat(text, 64) })
	case Size:
		return s.bounded(text, parseSize)
	case List, Texts:
		return entries, nil
	case Networks:
		return parseNetworks(entries)
	}
	if len(s.OneOf) > 0 && !slices.Contains(s.OneOf, text) {
		return nil, fmt.Errorf("%q is not one of: %s", text, strings.Join(s.OneOf, ", "))
	}
	return text, nil
}

// parseTime reads a time such as 20m or 30d.
func (s *Setting) parseTime(text string) (time.Duration, error) {
	d, err := Duration(text)
	ok := err == nil && d > 0
	if s.Least != "" {
		least, _ := Duration(s.Least)
		ok = err == nil && d >= least
	}
	if s.Most != "" {
		most, _ := Duration(s.Most)
		ok = ok && d <= most
	}
	switch {
	case ok:
		return d, nil
	case s.Most == "":
		return 0, fmt.Errorf("%q is not a time such as %s", text, s.Like)
	}
	return 0, fmt.Errorf("%q is not a time between %s and %s, such as %s", text, s.least(), s.Most, s.Like)
}

// Duration is time.ParseDuration with days, because long times are hard to
// write in hours.
func Duration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	return time.ParseDuration(text)
}

// bounded reads a number between Least and Most.
func (s *Setting) bounded(text string, parse func(string) (float64, error)) (float64, error) {
	n, err := parse(text)
	least := 1.0
	if s.Least != "" {
		least, _ = parse(s.Least)
	}
	most := float64(math.MaxInt64 >> 1)
	if s.Most != "" {
		most, _ = parse(s.Most)
	}
	if err == nil && n >= least && n <= most {
		return n, nil
	}
	what := "a number"
	switch s.Kind {
	case Count:
		what = "a whole number"
	case Size:
		what = "a size"
	}
	bounds := ""
	switch {
	case s.Most != "":
		bounds = fmt.Sprintf(" between %s and %s,", s.least(), s.Most)
	case s.Least != "" || err == nil && n < least:
		bounds = " of at least " + s.least() + ","
	}
	return 0, fmt.Errorf("%q is not %s%s such as %s", text, what, bounds, s.Like)
}

// units are the units of sizes, in bytes.
var units = []struct {
	name  string
	bytes float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1}}

// parseSize reads 1048576, 512MiB or 2 GB.
func parseSize(text string) (float64, error) {
	factor := 1.0
	for _, u := range units {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			text, factor = strings.TrimSpace(number), u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(text, 10, 63)
	return float64(n) * factor, err
}

// parseNetworks reads networks and single addresses.
func parseNetworks(entries []string) (list []netip.Prefix, err error) {
	for _, text := range entries {
		prefix, bad := netip.ParsePrefix(text)
		if one, alone := netip.ParseAddr(text); alone == nil {
			prefix, bad = netip.PrefixFrom(one, one.BitLen()), nil
		}
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("%q is not a network such as 10.0.0.0/8", text))
			continue
		}
		list = append(list, prefix)
	}
	return list, err
}
