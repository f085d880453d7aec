package walls

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// walls says what a package may reach: what it imports, what that imports, and so
// on, on every system. The first row that has a package's name is its row. Names
// are those in this module; "." is goaltrack itself, and "internal/*" is every
// package in that folder.
var walls = []wall{
	{
		of:     ".",
		why:    "Everybody who uses goaltrack compiles this, so it is small. What only tests and commands need is not in it.",
		ours:   []string{"cdp", "fact", "queue", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{unfitForLibraries, rigs},
	},
	{
		of:    "fact",
		why:   "It is what goaltrack tells a report. Who has no report compiles nothing else of one.",
		never: []set{unfitForLibraries},
	},
	{
		of:    "report",
		why:   "It counts facts, whoever tells them, and keeps them in any store.",
		ours:  []string{"fact", "internal/sketch"},
		never: []set{unfitForLibraries},
	},
	{
		of:    "report/health",
		why:   "It compares the numbers of a report with what is expected, and tells somebody.",
		ours:  []string{"fact", "report", "internal/loopback", "internal/sketch", "internal/webhook"},
		never: []set{unfitForLibraries},
	},
	{
		of:    "report/notify",
		why:   "It tells somebody of goals as they count. It is told facts as a report is.",
		ours:  []string{"fact", "queue", "internal/atrest", "internal/backoff", "internal/hostname", "internal/loopback", "internal/trouble", "internal/web", "internal/webhook"},
		never: []set{unfitForLibraries},
	},
	{
		of:    "report/live",
		why:   "It is what somebody sees as it happens. It is told facts as a report is, and knows of no page.",
		ours:  []string{"fact"},
		never: []set{unfitForLibraries},
	},
	{
		of:     "report/web",
		why:    "It is the pages of a report. Who only counts compiles no templates, which would keep every exported method.",
		ours:   []string{".", "fact", "report", "report/live", "cdp", "queue", "rule", "internal/*"},
		theirs: libraries,
	},
	{
		of:     "relay",
		why:    "It is for sites whose pages have Sitecore's own scripts. Who has none compiles nothing of it.",
		ours:   []string{".", "cdp", "fact", "queue", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{unfitForLibraries, rigs},
	},
	{
		of:     "metrics",
		why:    "It is for whoever watches a tracker, so it knows goaltrack and nothing of a report.",
		ours:   []string{".", "fact", "cdp", "queue", "rule", "internal/*"},
		theirs: libraries,
	},
	{
		of:     "page",
		why:    "It has the script of pages and takes what that tells. Who needs none compiles no templates, which would keep every exported method.",
		ours:   []string{".", "fact", "cdp", "queue", "rule", "internal/*"},
		theirs: append(slices.Clone(libraries), "golang.org/x/net/html"), // tells a tag from one in a comment or a script
		never:  []set{rigs},
	},
	{
		of:   "report/sqlite",
		why:  "It is the only package that has a database, so that nobody else compiles or downloads one.",
		ours: []string{"fact", "report", "internal/sketch", "internal/sqlreport"},
		any:  true,
	},
	{
		of:   "internal/sqlreport",
		why:  "It is the SQL of every database that a report can be in, and knows none of their drivers.",
		ours: []string{"fact", "report", "internal/sketch"},
	},
	{
		of:   "report/reporttest",
		why:  "It is what every store of a report has to pass, also one that is not ours.",
		ours: []string{"fact", "report", "internal/sketch"},
	},
	{
		of:    "cdp",
		why:   "It is a client of the CDP for any program, with goaltrack or without.",
		ours:  []string{"internal/loopback"},
		never: []set{unfitForLibraries},
	},
	{
		of:    "queue",
		why:   "It keeps bytes, and does not know what they are. Other engines are written against it.",
		never: []set{unfitForLibraries},
	},
	{
		of:   "rule",
		why:  "It is the language of the rule file: pure data and functions. It knows nothing of requests under way, writers and delivery.",
		ours: []string{"cdp", "fact", "internal/agent", "internal/consent", "internal/ext", "internal/hostname", "internal/loopback", "internal/navigation", "internal/path", "internal/scan", "internal/selector", "internal/spelling", "internal/visit", "internal/web"},
		theirs: []string{
			"github.com/gorilla/mux",
			"github.com/gorilla/securecookie", // internal/visit has both what is remembered and the cookie it is sealed in
			"go.yaml.in/yaml/v4",
			"golang.org/x/text/unicode/norm", "golang.org/x/text/transform", // one spelling of a path
		},
		never: []set{unfitForLibraries},
	},
	{
		of:     "internal/world",
		why:    "It is the world of tests that use goaltrack as a program does: a site, visitors and a CDP.",
		ours:   []string{".", "cdp", "cdp/cdptest", "fact", "goaltest", "queue", "rule", "internal/*"},
		theirs: libraries,
	},
	{
		of:    "internal/selector",
		why:   "It reads CSS selectors. It knows no rules and no pages.",
		ours:  []string{"internal/spelling"},
		never: []set{unfitForLibraries},
	},
	{
		of:    "internal/scan",
		why:   "It reads bytes, whatever they were sent by. It knows no rules, no writers and no settings.",
		never: []set{unfitForLibraries},
	},
	{
		of:    "internal/tap",
		why:   "It stands between a server and a handler on every request that counts, so it does little and knows no rules.",
		ours:  []string{"internal/fair", "internal/loopback", "internal/scan", "internal/web"},
		never: []set{unfitForLibraries},
	},
	{
		of:    "internal/walls",
		why:   "It has tests only.",
		never: []set{unfitForLibraries},
	},
	{
		of:     "internal/bubble internal/dice internal/faultproxy internal/golden internal/logbook",
		why:    "They are for tests. A test of a part can use them, so they do not know the whole.",
		ours:   []string{"cdp", "cdp/cdptest", "fact", "queue", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{{"internal/world": "it knows goaltrack as a whole"}},
	},
	{
		of:     "internal/script",
		why:    "It is between a tracker and the package that serves the script of pages, and decides nothing.",
		ours:   []string{"cdp", "fact", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{unfitForLibraries, rigs},
	},
	{
		of:     "internal/facts",
		why:    "It makes facts of what it is told of a request, and decides nothing.",
		ours:   []string{"cdp", "fact", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{unfitForLibraries, rigs},
	},
	{
		of:     "internal/events",
		why:    "It makes events of what rules say, for whoever sends or shows them, and decides nothing.",
		ours:   []string{"cdp", "fact", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{unfitForLibraries, rigs},
	},
	{
		of:     "internal/watched",
		why:    "It puts together what somebody is told who watches their own requests, in the words of package fact.",
		ours:   []string{"cdp", "fact", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{unfitForLibraries, rigs},
	},
	{
		of:    "internal/budget",
		why:   "It compares what was spent with what may be, in the words of package fact.",
		ours:  []string{"fact"},
		never: []set{unfitForLibraries, rigs},
	},
	{
		of:     "internal/*",
		why:    "A mechanism stands on its own. It can be read, tested and replaced without goaltrack.",
		ours:   []string{"cdp", "queue", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{unfitForLibraries, rigs},
	},
	{
		of:   "cdp/cdptest",
		why:  "It is a CDP for anybody's tests.",
		ours: []string{"cdp", "internal/loopback"},
	},
	{
		of:     "goaltest",
		why:    "It tests the goals of anybody's site. It is for tests, and uses goaltrack as a program does.",
		ours:   []string{".", "cdp", "cdp/cdptest", "fact", "queue", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{rigs},
	},
	{
		of:   "queue/queuetest",
		why:  "It is what every engine of a queue has to pass, also one that is not ours.",
		ours: []string{"queue"},
	},
	{
		of:     "test test/*",
		why:    "It has tests only, of goaltrack as a program sees it.",
		ours:   []string{".", "cdp", "cdp/cdptest", "fact", "goaltest", "queue", "queue/queuetest", "rule", "internal/*"},
		theirs: libraries,
	},
	{
		of:     "example",
		why:    "A reader runs it first. It writes no file, and shows goaltrack and no other library.",
		ours:   []string{".", "cdp", "cdp/cdptest", "fact", "queue", "report", "report/live", "report/web", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{rigs},
	},
	{
		of:    "cmd/goaltrack",
		why:   "Nobody imports a command, so nobody pays for what it reaches.",
		ours:  []string{".", "cdp", "cdp/cdptest", "fact", "page", "queue", "metrics", "relay", "report", "report/health", "report/live", "report/notify", "report/sqlite", "report/web", "rule", "internal/*", "cmd/goaltrack/internal/*"},
		any:   true,
		never: []set{rigs},
	},
	{
		of:     "cmd/goaltrack/internal/accesslog",
		why:    "It reads logs of any server, and makes of each line what rules look at. It opens no file.",
		ours:   []string{"rule", "fact", "cdp", "internal/*"},
		theirs: append([]string{"github.com/klauspost/compress", "github.com/ulikunitz/xz", "golang.org/x/text"}, libraries...),
		never:  []set{rigs},
	},
	{
		of:     "cmd/goaltrack/internal/format",
		why:    "It lays out YAML, and does not know what goals are.",
		theirs: []string{"go.yaml.in/yaml/v4"},
	},
	{
		of:     "cmd/goaltrack/internal/plan",
		why:    "It says what rules say. It knows nothing of a live site.",
		ours:   []string{"cdp", "fact", "report", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{rigs},
	},
	{
		of:     "cmd/goaltrack/internal/announce",
		why:    "It makes events of a plan, and sends none.",
		ours:   []string{"cdp", "cmd/goaltrack/internal/plan", "fact", "report", "rule", "internal/*"},
		theirs: libraries,
		never:  []set{rigs},
	},
	{
		of:     "cmd/goaltrack/internal/crawl",
		why:    "It looks at pages, and does not know what goals are.",
		theirs: []string{"github.com/temoto/robotstxt", "golang.org/x/net", "golang.org/x/text"}, // which read a page as its browser does
	},
	{
		of:     "cmd/goaltrack/internal/xpitems",
		why:    "It reads items of Sitecore XP, and does not know what becomes of them.",
		theirs: []string{"go.yaml.in/yaml/v4", "golang.org/x/text"},
	},
	{
		of:     "cmd/goaltrack/internal/draft",
		why:    "It writes rules from what others have found.",
		ours:   []string{"cdp", "cmd/goaltrack/internal/crawl", "cmd/goaltrack/internal/xpitems", "fact", "rule", "internal/*"},
		theirs: append([]string{"github.com/temoto/robotstxt", "golang.org/x/net", "golang.org/x/text"}, libraries...),
		never:  []set{rigs},
	},
	{
		of:     "cmd/goaltrack/internal/settings",
		why:    "It reads any table of settings from flags, variables and a file, and does not know what goaltrack does with them.",
		ours:   []string{"internal/spelling"},
		theirs: []string{"github.com/spf13/pflag", "go.yaml.in/yaml/v4"},
	},
	{
		of:     "cmd/goaltrack/internal/requests",
		why:    "It reads what a stranger may have written, such as a HAR file, and makes examples of it. It opens no file and asks no network.",
		ours:   []string{"rule", "fact", "cdp", "internal/*"},
		theirs: []string{"go.yaml.in/yaml/v4", "golang.org/x/text", "github.com/gorilla"},
	},
}

// wall is a row: what a package, or each of some, may reach.
type wall struct {
	of     string   // names with blanks between
	why    string   // for those who meet the wall
	ours   []string // packages of this module
	theirs []string // packages and modules of others, with all that is in them
	any    bool     // whatever others have written
	never  []set    // beside all of others that is not named: packages of the standard library, and exceptions from ours
}

// set is packages, each with the reason why one does not reach it.
type set map[string]string

// libraries are all that goaltrack needs of others. A library gets here if writing
// the thing would be worse for everybody who imports goaltrack.
var libraries = []string{
	"github.com/gorilla/mux",          // the syntax of paths in rules is that of its templates
	"github.com/gorilla/securecookie", // seals the visit cookie
	"go.yaml.in/yaml/v4",              // reads the rule file, with lines and columns
	"golang.org/x/sync",               // the next browser ID is asked for once, whoever waits for it
	// Two spellings of one letter in a path are one (NFC, https://unicode.org/reports/tr15/),
	// and the tables for that follow Unicode's versions.
	"golang.org/x/text/unicode/norm",
	"golang.org/x/text/transform", // which norm imports
}

// byName is what templates do (https://go.dev/issue/72895 says what that costs).
const byName = "it calls methods by name, so the linker keeps every exported method of the whole program"

// unfitForLibraries are packages of the standard library that change the program
// of whoever imports a package that imports them.
var unfitForLibraries = set{
	"database/sql":      "a database, and its driver, are for the program to choose",
	"expvar":            "it opens /debug/vars on http.DefaultServeMux as soon as it is imported",
	"flag":              "the flags of a program are its own",
	"html/template":     byName,
	"net/http/cgi":      "it starts programs, and a library in a web server does not",
	"net/http/httptest": "it is for tests, and adds a flag to the program",
	"net/http/pprof":    "it opens /debug/pprof on http.DefaultServeMux as soon as it is imported",
	"os/exec":           "a library in a web server starts no programs",
	"plugin":            "which code runs in a program is known when it is built",
	"testing":           "it is for tests",
	"text/template":     byName,
}

// rigs are our packages for tests.
var rigs = set{
	"internal/bubble":     "it is for tests",
	"internal/dice":       "it is for tests",
	"internal/faultproxy": "it is for tests",
	"internal/golden":     "it is for tests",
	"internal/logbook":    "it is for tests",
	"internal/walls":      "it is for tests",
	"internal/world":      "it is for tests",
}

const whatToDo = `
	Move what needs it to a package that may reach it, or out of this one.
	If the wall is wrong, change its row in internal/walls/walls_test.go and say why there.`

// TestWalls: no package reaches what its row does not allow.
func TestWalls(t *testing.T) {
	systems := []string{"linux", "darwin", "windows"}
	if !slices.Contains(systems, runtime.GOOS) {
		systems = append(systems, runtime.GOOS)
	}
	on := map[string][]string{} // the systems by the fault
	for _, system := range systems {
		g := load(t, system)
		for _, name := range g.ours() {
			w := wallOf(name)
			if w == nil {
				w = &wall{why: "Nothing says what it may reach: give it a row in internal/walls/walls_test.go."}
			}
			for _, fault := range w.faults(g, name) {
				on[fault] = append(on[fault], system)
			}
		}
	}
	for _, fault := range slices.Sorted(maps.Keys(on)) {
		t.Errorf("%s (%s)%s", fault, strings.Join(on[fault], ", "), whatToDo)
	}
}

// TestWallsOfTests: what may not reach goaltrack is tested without it, too.
func TestWallsOfTests(t *testing.T) {
	g := load(t, runtime.GOOS)
	for _, name := range g.ours() {
		w := wallOf(name)
		if w == nil || name == "." || slices.Contains(w.ours, ".") {
			continue
		}
		for _, imported := range g.packages[name].tests {
			if way := g.way(imported, "."); way != nil {
				t.Errorf("a test of %s reaches goaltrack: %s\n\tMove it to the folder test, or test the part alone.", name, shown(way...))
			}
		}
	}
}
