package walls

import (
	"cmp"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestWallsHold: each kind of fault is found, in packages that are not there.
func TestWallsHold(t *testing.T) {
	tests := []struct {
		name, of string
		imports  map[string][]string
		want     string // a part of the only fault
	}{
		{"what is allowed", ".", map[string][]string{".": {"cdp", "internal/web", "github.com/gorilla/mux", "net/http"}}, ""},
		{"a library", ".", map[string][]string{".": {"github.com/acme/x"}}, "goaltrack reaches github.com/acme/x:"},
		{"a library that begins as another", ".", map[string][]string{".": {"github.com/gorilla/muxer"}}, "goaltrack reaches github.com/gorilla/muxer:"},
		{"a part of a library", ".", map[string][]string{".": {"golang.org/x/text/language"}}, "reaches golang.org/x/text/language:"},
		{"by way of one that is told of it", ".", map[string][]string{".": {"cdp"}, "cdp": {"expvar"}}, ""},
		{"by way of one that may", "internal/visit", map[string][]string{"internal/visit": {"cdp/cdptest"}, "cdp/cdptest": {"testing"}}, "internal/visit reaches cdp/cdptest:"},
		{"by way of goaltrack", "example", map[string][]string{"example": {"."}, ".": {"github.com/acme/x"}}, ""},
		{"by way of a library", "internal/path", map[string][]string{"internal/path": {"github.com/gorilla/mux"}, "github.com/gorilla/mux": {"html/template"}}, "internal/path -> github.com/gorilla/mux -> html/template\n\tit calls methods by name"},
		{"a rig", ".", map[string][]string{".": {"internal/logbook"}}, "goaltrack reaches internal/logbook"},
		{"a rig in a mechanism", "internal/visit", map[string][]string{"internal/visit": {"testing"}}, "internal/visit reaches testing"},
		{"a rig may be one", "internal/golden", map[string][]string{"internal/golden": {"testing", "flag"}}, ""},
		{"upwards", "internal/visit", map[string][]string{"internal/visit": {"."}}, "internal/visit reaches goaltrack"},
		{"upwards from cdp", "cdp", map[string][]string{"cdp": {"."}}, "cdp reaches goaltrack"},
		{"sideways from cdp", "cdp", map[string][]string{"cdp": {"internal/web"}}, "cdp reaches internal/web"},
		{"sideways from queue", "queue", map[string][]string{"queue": {"cdp"}}, "queue reaches cdp"},
		{"rule and the queue", "rule", map[string][]string{"rule": {"queue"}}, "rule reaches queue"},
		{"rule and a mechanism", "rule", map[string][]string{"rule": {"internal/path"}}, ""},
		{"rule and a mechanism of delivery", "rule", map[string][]string{"rule": {"internal/backoff"}}, "rule reaches internal/backoff"},
		{"the world of tests", "internal/world", map[string][]string{"internal/world": {".", "testing", "cdp/cdptest"}}, ""},
		{"a command", "cmd/goaltrack", map[string][]string{"cmd/goaltrack": {"github.com/spf13/cobra", "os/exec"}}, ""},
		{"a command that others import", "example", map[string][]string{"example": {"cmd/goaltrack"}}, "example reaches cmd/goaltrack"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := wallOf(tt.of).faults(invented(tt.imports), tt.of)
			switch {
			case tt.want == "" && len(got) > 0:
				t.Errorf("got %q", got)
			case tt.want != "" && (len(got) != 1 || !strings.Contains(got[0], tt.want)):
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestWallsAreNeeded: no row, nor a word of one, is left from packages that are
// gone.
func TestWallsAreNeeded(t *testing.T) {
	planned := []string{"rule", "test/*"}
	g := load(t, runtime.GOOS)
	for _, w := range walls {
		for _, name := range append(strings.Fields(w.of), w.ours...) {
			if !slices.Contains(planned, name) && !slices.ContainsFunc(g.ours(), func(p string) bool { return matches(name, p) }) {
				t.Errorf("there is no %s: take it out of internal/walls/walls_test.go", name)
			}
		}
	}
	for name := range rigs {
		if g.packages[name] == nil && !slices.Contains(planned, name) {
			t.Errorf("there is no %s: take it out of internal/walls/walls_test.go", name)
		}
	}
	for _, name := range libraries {
		if !slices.ContainsFunc(g.reached("."), func(p string) bool { return within(name, p) }) {
			t.Errorf("goaltrack does not use %s any more: take it out of internal/walls/walls_test.go", name)
		}
	}
}

// wallOf is the first row with a package's name.
func wallOf(name string) *wall {
	for i := range walls {
		if slices.ContainsFunc(strings.Fields(walls[i].of), func(of string) bool { return matches(of, name) }) {
			return &walls[i]
		}
	}
	return nil
}

// faults are what a package reaches though its wall does not allow it, each with
// the shortest way there. What lies behind such a package is not named, nor what
// is a fault already of one of ours on the way.
func (w *wall) faults(g *graph, name string) (faults []string) {
	for _, reached := range g.reached(name) {
		why, ok := w.allows(g, reached)
		if ok {
			continue
		}
		way := g.way(name, reached)
		if !slices.ContainsFunc(way[1:len(way)-1], func(between string) bool { return w.told(g, between, reached) }) {
			faults = append(faults, shown(name)+" reaches "+shown(reached)+": "+shown(way...)+"\n\t"+cmp.Or(why, w.why))
		}
	}
	return faults
}

// told says whether a package that stands between another and what that one
// reaches is what a fault is told of.
func (w *wall) told(g *graph, between, reached string) bool {
	if _, ok := w.allows(g, between); !ok {
		return true
	}
	own := wallOf(between)
	if !g.packages[between].ours || own == nil {
		return false
	}
	_, ok := own.allows(g, reached)
	return !ok
}

// allows says whether a package may be reached, and why not if there is a reason
// of its own.
func (w *wall) allows(g *graph, name string) (why string, ok bool) {
	for _, never := range w.never {
		for n, why := range never {
			if within(n, name) {
				return why, false
			}
		}
	}
	switch p := g.packages[name]; {
	case p.ours:
		return "", slices.ContainsFunc(w.ours, func(n string) bool { return matches(n, name) })
	case p.standard || w.any:
		return "", true
	}
	return "", slices.ContainsFunc(w.theirs, func(n string) bool { return within(n, name) })
}

// matches says whether a package of ours is meant by a name in the table.
func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// within says whether a package is another, or is in its folder.
func within(folder, name string) bool {
	return name == folder || strings.HasPrefix(name, folder+"/")
}
