package test

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/golden"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestGoldenVisits: what counted by a visit cookie of any version has counted.
func TestGoldenVisits(t *testing.T) {
	golden.Kind{Name: "visits", Write: writeGoldenVisits, Read: readGoldenVisits}.Test(t, goldenRoot)
}

// Keys of golden cookies, for no other use.
var (
	goldenKey      = goaltrack.Key{Hash: []byte(strings.Repeat("golden hash key ", 4)), Block: []byte("golden block key, 32 bytes long.")}
	olderGoldenKey = goaltrack.Key{Hash: []byte(strings.Repeat("older hash key, ", 2)), Block: []byte("an older key, 16")}
)

// goldenVisit is a visitor's cookies as their browser sends them.
type goldenVisit struct {
	About   string    `json:"about"`
	Written time.Time `json:"written"` // the last of them
	Cookie  string    `json:"cookie"`
}

func writeGoldenVisits(t *testing.T, dir string) {
	writeGolden(t, dir, "goals.yaml", goldenInput(t, "visits.yaml"))
	visits := map[string]goldenVisit{}
	browse := func(name, about string, keys []goaltrack.Key, walk ...string) {
		synctest.Test(t, func(t *testing.T) {
			n := newNear(ann)
			tracker := goldenTracker(t, n, func(c *goaltrack.Config) {
				c.Rules, c.Keys = rulesOf(t, filepath.Join(dir, "goals.yaml")), keys
			})
			site := tracker.Handler(http.HandlerFunc(world.HTML))
			jar, cookies := map[string]string{"bid_shop-key": ann}, ""
			for _, path := range walk {
				cookies = cookieHeader(jar)
				answer := askSite(site, "GET", "https://shop.example"+path, "", cookies, "Referer", "https://news.example/tea?q=1")
				for _, c := range (&http.Response{Header: answer}).Cookies() {
					jar[c.Name] = c.Value
				}
				bubble.Pass(time.Minute)
			}
			visits[name] = goldenVisit{about, time.Now().UTC(), cookieHeader(jar)}
			if _, err := tracker.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all := []string{"/?utm_campaign=spring&utm_source=mail", "/ever", "/session", "/day", "/orders/1", "/files/a", "/tours/x", "/draft", "/one", "/two"}
	var many []string
	for i := range 99 {
		many = append(many, "/orders/"+strconv.Itoa(i+1))
	}
	browse("all", "counts per visitor, session and day, for keys, a draft's, the steps of an after: and where the session came from",
		[]goaltrack.Key{goldenKey}, all...)
	browse("older key", "the same, sealed with the key before", []goaltrack.Key{olderGoldenKey}, all...)
	browse("moved", "the same, with pages on which nothing counts at the end: they move the minute, which is outside the seal",
		[]goaltrack.Key{goldenKey}, append(slices.Clone(all), "/a", "/b", "/c", "/d", "/e", "/f", "/g")...)
	browse("full", "a goal per visitor and 99 orders, more than the cookie has room for: the oldest orders are forgotten",
		[]goaltrack.Key{goldenKey}, append([]string{"/ever"}, many...)...)
	twins := visits["all"]
	_, rest, _ := strings.Cut(twins.Cookie, "; gt_")
	hash, _, _ := strings.Cut(rest, "=")
	twins.About, twins.Cookie = "the same behind another cookie of the name, which nobody here sealed", "gt_"+hash+"=15777720.AAAA; "+twins.Cookie
	visits["twins"] = twins
	writeGolden(t, dir, "cookies.json", inJSON(t, visits))
}

func cookieHeader(jar map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(jar)) {
		pairs = append(pairs, name+"="+jar[name])
	}
	return strings.Join(pairs, "; ")
}

// readGoldenVisits sends each visitor's cookies, at several times, to trackers
// that know nothing else of the visitor. It says what counts.
func readGoldenVisits(t *testing.T, dir string) golden.Texts {
	var visits map[string]goldenVisit
	fromJSON(t, filepath.Join(dir, "cookies.json"), &visits)
	rotating := []goaltrack.Key{goldenKey, olderGoldenKey}
	meaning := map[string]map[string][]string{}
	for name, v := range visits {
		means := map[string][]string{}
		for _, when := range []struct {
			name string
			wait time.Duration
			keys []goaltrack.Key
		}{
			{"10 minutes later", 10 * time.Minute, rotating},
			{"10 minutes later, with the present key alone", 10 * time.Minute, rotating[:1]},
			{"two days later", 48 * time.Hour, rotating},
			{"399 days later", 399 * 24 * time.Hour, rotating},
			{"401 days later", 401 * 24 * time.Hour, rotating},
		} {
			synctest.Test(t, func(t *testing.T) {
				bubble.Pass(time.Until(v.Written.Add(when.wait)))
				for _, path := range []string{"/ever", "/session", "/day", "/orders/1", "/orders/99", "/files/a", "/files/b", "/tours/x", "/draft", "/after", "/campaign"} {
					means[when.name] = append(means[when.name], "GET "+path+": "+probe(t, dir, when.keys, path, v.Cookie))
				}
			})
		}
		meaning[name] = means
	}
	return golden.Texts{"meaning.json": inJSON(t, meaning)}
}

// probe asks a new tracker for one page and tells how the decisions ended.
func probe(t *testing.T, dir string, keys []goaltrack.Key, path, cookies string) string {
	t.Helper()
	n := newNear(ann)
	tracker := goldenTracker(t, n, func(c *goaltrack.Config) {
		c.Rules, c.Keys = rulesOf(t, filepath.Join(dir, "goals.yaml")), keys
	})
	askSite(tracker.Handler(http.HandlerFunc(world.HTML)), "GET", "https://shop.example"+path, "", cookies)
	flushed(t, tracker)
	var words []string
	for _, g := range tracker.Snapshot().Goals {
		if g.Fired > 0 {
			words = append(words, g.Goal+" fired")
		}
		for fate := range g.NotFired {
			words = append(words, g.Goal+" "+fate)
		}
	}
	for _, e := range n.Events() {
		for _, name := range []string{"campaign", "source", "from"} {
			if value := e.Ext[name]; value != nil {
				words = append(words, fmt.Sprintf("%s=%v", name, value))
			}
		}
	}
	if _, err := tracker.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return strings.Join(words, ", ")
}
