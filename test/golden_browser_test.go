package test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/golden"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestGoldenBrowsers: who had a browser ID, under whatever name, keeps it.
func TestGoldenBrowsers(t *testing.T) {
	golden.Kind{Name: "browsers", Write: writeGoldenBrowsers, Read: readGoldenBrowsers}.Test(t, goldenRoot)
}

// goldenBrowser is what a browser sends to a site.
type goldenBrowser struct {
	Name   string `json:"name"`
	Host   string `json:"host"`
	Domain string `json:"domain,omitempty"` // Cookie.Domain of the tracker
	Cookie string `json:"cookie"`
}

const goldenBrowserRules = "{version: 1, goals: [{goal: SEEN, visit: /seen}]}"

func writeGoldenBrowsers(t *testing.T, dir string) {
	const shop, press = "shop.example", "press.example"
	browsers := []goldenBrowser{
		{Name: "as Engage writes it", Host: shop, Cookie: "bid_shop-key=" + ann},
		{Name: "among others", Host: shop, Cookie: "a=b; bid_shop-key=" + ann + "; c=d"},
		{Name: "of another client key", Host: shop, Cookie: "bid_other-key=" + ann},
		{Name: "of Engage 0.x", Host: shop, Cookie: "BID_shop-key=" + ann},
		{Name: "of Engage 0.x, and another of 1.x", Host: shop, Cookie: "bid_shop-key=" + bob + "; BID_shop-key=" + ann},
		{Name: "twins: the first", Host: shop, Cookie: "bid_shop-key=" + ann + "; bid_shop-key=" + bob},
		{Name: "twins, with a Domain: the first", Host: shop, Domain: shop, Cookie: "bid_shop-key=" + ann + "; bid_shop-key=" + bob},
		{Name: "junk, with a Domain: that of the host alone is deleted", Host: shop, Domain: shop, Cookie: "bid_shop-key=undefined"},
		{Name: "junk", Host: shop, Cookie: "bid_shop-key=undefined"},
		{Name: "empty", Host: shop, Cookie: "bid_shop-key="},
		{Name: "anonymous, as scripts leave it", Host: shop, Cookie: "bid_shop-key=anonymous"},
		{Name: "in quotes", Host: shop, Cookie: `bid_shop-key="` + ann + `"`},
		{Name: "junk before it", Host: shop, Cookie: "bid_shop-key=null; bid_shop-key=" + ann},
		{Name: "none", Host: shop},
		{Name: "as the Cloud SDK and the Content SDK write it", Host: press, Cookie: "sc_cid=" + ann},
		{Name: "of the Cloud SDK up to 0.5.8", Host: press, Cookie: "sc_press-context=" + ann},
		{Name: "of the Cloud SDK 0.5.7", Host: press, Cookie: "sc_rid=" + ann},
		{Name: "of all three", Host: press, Cookie: "sc_rid=" + bob + "; sc_cid=" + bob + "; sc_press-context=" + ann},
		{Name: "moved, and not deleted", Host: press, Cookie: "sc_cid=" + ann + "; sc_press-context=" + ann},
		{Name: "the older one is junk", Host: press, Cookie: "sc_cid=" + ann + "; sc_press-context=undefined"},
		{Name: "no cookie on the edge", Host: press},
		{Name: "who opted out", Host: shop, Cookie: "bid_shop-key=" + ann + "; gt_optout=1"},
	}
	for _, host := range []string{shop, press} { // what this version writes itself
		_, set := visitOf(t, goldenBrowser{Host: host})
		pair, _, _ := strings.Cut(set[0], ";")
		browsers = append(browsers, goldenBrowser{Name: "as goaltrack writes it at " + host, Host: host, Cookie: pair})
	}
	writeGolden(t, dir, "cookies.json", inJSON(t, browsers))
}

// browserMeaning is what becomes of a browser: the ID that its event has, and what
// the answer says of cookies. An ID that the CDP makes is new each time.
type browserMeaning struct {
	ID  string   `json:"id"`
	Set []string `json:"set,omitempty"`
}

func readGoldenBrowsers(t *testing.T, dir string) golden.Texts {
	var browsers []goldenBrowser
	fromJSON(t, filepath.Join(dir, "cookies.json"), &browsers)
	meaning := map[string]browserMeaning{}
	for _, b := range browsers {
		id, set := visitOf(t, b)
		m := browserMeaning{ID: id, Set: set}
		if !strings.Contains(b.Cookie, id) && id != "" {
			for i := range set {
				set[i] = strings.ReplaceAll(set[i], id, "made by the CDP")
			}
			m.ID = "made by the CDP"
		}
		meaning[b.Name] = m
	}
	return golden.Texts{"meaning.json": inJSON(t, meaning)}
}

// visitOf has a browser see a page, and tells which ID its goal was sent with, and
// what was set.
func visitOf(t *testing.T, b goldenBrowser) (id string, set []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNear(ann, bob)
		if _, own, ok := strings.Cut(b.Cookie, "="); ok {
			n.Know(own)
		}
		tracker := goldenTracker(t, n, func(c *goaltrack.Config) {
			c.Rules = world.MustParse(t, goldenBrowserRules)
			c.Sites = slices.DeleteFunc(c.Sites, func(s goaltrack.Site) bool { return s.Hosts[0] != b.Host })
			c.Cookie.Domain, c.Cookie.Warm, c.Cookie.Wait = b.Domain, 1, time.Second
		})
		if err := tracker.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		answer := askSite(tracker.Handler(http.HandlerFunc(world.HTML)), "GET", "https://"+b.Host+"/seen", "", b.Cookie)
		flushed(t, tracker)
		for _, e := range n.Events() {
			id = e.BrowserID
		}
		set = answer["Set-Cookie"]
		if _, err := tracker.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return id, set
}
