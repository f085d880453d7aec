package goaltrack

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

const (
	oldID = "11111111-2222-4333-8444-555555555555"
	newID = "7f3d1c52-0c6b-4f6a-9a8e-2b1d5d1f0a11"
)

// TestCookieBytes holds what is set against what Sitecore's packages set,
// recorded from their server side: @sitecore/engage 1.4.3, @sitecore-cloudsdk/core
// 0.6.1 and @sitecore-content-sdk/core 2.1.2.
func TestCookieBytes(t *testing.T) {
	for name, c := range map[string]struct {
		site   cdp.Site
		cookie Cookie
		want   string
	}{
		"Engage 1.4.3": {
			cdp.Direct{ClientKey: "ck-abcd"},
			Cookie{Path: "/", Domain: ".example.test", MaxAge: 365 * 24 * time.Hour},
			"bid_ck-abcd=" + newID + "; Max-Age=31536000; SameSite=None; Secure; Path=/; Domain=.example.test",
		},
		"Cloud SDK 0.6.1": {
			cdp.Edge{ContextID: "ctx-1234"},
			Config{}.withDefaults().Cookie,
			"sc_cid=" + newID + "; Max-Age=63072000; SameSite=None; Secure; Path=/",
		},
		"Cloud SDK 0.6.1 with settings": {
			cdp.Edge{ContextID: "ctx-1234"},
			Cookie{Path: "/", Domain: "example.test", MaxAge: 30 * 24 * time.Hour},
			"sc_cid=" + newID + "; Max-Age=2592000; SameSite=None; Secure; Path=/; Domain=example.test",
		},
		"Content SDK 2.1.2": {
			cdp.Edge{ContextID: "ctx-1234", ContextHeader: true},
			Config{}.withDefaults().Cookie,
			"sc_cid=" + newID + "; Max-Age=63072000; SameSite=None; Secure; Path=/",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBrowserCookie(c.site, c.cookie)
			h := http.Header{"Set-Cookie": {"other=1"}}
			b.set(h, newID, brought{})
			if got := h["Set-Cookie"]; !slices.Equal(got, []string{"other=1", c.want}) {
				t.Errorf("Set-Cookie\n%q, want\n%q", got, c.want)
			}
		})
	}
}

func TestCookieRead(t *testing.T) {
	direct := newBrowserCookie(cdp.Direct{ClientKey: "ck-abcd"}, Cookie{})
	edge := newBrowserCookie(cdp.Edge{ContextID: "ctx-1234"}, Cookie{})
	for name, c := range map[string]struct {
		cookie     browserCookie
		header     []string
		id, former string
	}{
		"none":                      {direct, nil, "", ""},
		"ours":                      {direct, []string{"bid_ck-abcd=" + oldID}, oldID, ""},
		"among others":              {direct, []string{"a=b; bid_ck-abcd=" + oldID + "; c=d"}, oldID, ""},
		"without a space":           {direct, []string{"a=b;bid_ck-abcd=" + oldID}, oldID, ""},
		"on a second line":          {direct, []string{"a=b", "bid_ck-abcd=" + oldID}, oldID, ""},
		"empty":                     {direct, []string{"bid_ck-abcd="}, "", ""},
		"undefined":                 {direct, []string{"bid_ck-abcd=undefined"}, "", ""},
		"anonymous":                 {direct, []string{"bid_ck-abcd=anonymous"}, "", ""},
		"quoted":                    {direct, []string{`bid_ck-abcd="` + oldID + `"`}, oldID, ""},
		"half quoted":               {direct, []string{`bid_ck-abcd="` + oldID}, "", ""},
		"quoted junk":               {direct, []string{`bid_ck-abcd="undefined"`}, "", ""},
		"5,000 characters":          {direct, []string{"bid_ck-abcd=" + strings.Repeat("x", 5000)}, "", ""},
		"an ID and more":            {direct, []string{"bid_ck-abcd=" + oldID + "0"}, "", ""},
		"junk first":                {direct, []string{"bid_ck-abcd=undefined; bid_ck-abcd=" + oldID}, oldID, ""},
		"two IDs":                   {direct, []string{"bid_ck-abcd=" + oldID + "; bid_ck-abcd=" + newID}, oldID, ""},
		"another key":               {direct, []string{"bid_ck-abce=" + oldID}, "", ""},
		"another case":              {direct, []string{"Bid_ck-abcd=" + oldID}, "", ""},
		"a longer name":             {direct, []string{"xbid_ck-abcd=" + oldID}, "", ""},
		"inside another's value":    {direct, []string{"a=bid_ck-abcd=" + oldID}, "", ""},
		"edge":                      {edge, []string{"sc_cid=" + oldID}, oldID, ""},
		"edge, up to 0.5.8":         {edge, []string{"sc_ctx-1234=" + oldID}, oldID, "sc_ctx-1234"},
		"edge, 0.5.7":               {edge, []string{"sc_rid=" + oldID}, oldID, "sc_rid"},
		"edge, both":                {edge, []string{"sc_cid=" + newID + "; sc_ctx-1234=" + oldID}, newID, "sc_ctx-1234"},
		"edge, the present is junk": {edge, []string{"sc_cid=undefined; sc_ctx-1234=" + oldID}, oldID, "sc_ctx-1234"},
		"edge, quoted, up to 0.5.8": {edge, []string{`sc_ctx-1234="` + oldID + `"`}, oldID, "sc_ctx-1234"},
		"edge, the older is junk":   {edge, []string{"sc_cid=" + newID + "; sc_ctx-1234=undefined"}, newID, ""},
		"edge, moved already":       {edge, []string{"sc_cid=" + oldID + "; sc_ctx-1234=" + oldID}, oldID, "sc_ctx-1234"},
		"edge, all three":           {edge, []string{"sc_rid=" + newID + "; sc_cid=" + newID + "; sc_ctx-1234=" + oldID}, newID, "sc_ctx-1234 sc_rid"},
		"Engage 0.x":                {direct, []string{"BID_ck-abcd=" + oldID}, oldID, "BID_ck-abcd"},
		"Engage 0.x, and 1.x":       {direct, []string{"bid_ck-abcd=" + newID + "; BID_ck-abcd=" + oldID}, newID, "BID_ck-abcd"},
		"Engage 0.x, another key":   {direct, []string{"BID_ck-abce=" + oldID}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.cookie.read(c.header)
			if former := c.cookie.formerIn(b); b.id != c.id || former != c.former {
				t.Errorf("%q beside %q, want %q beside %q", b.id, former, c.id, c.former)
			}
		})
	}
}

// formerIn names the cookies of former names that a request brought.
func (c *browserCookie) formerIn(b brought) string {
	var names []string
	for i, name := range c.legacy {
		if b.legacy&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

// FuzzCookie reads arbitrary Cookie headers and compares with the plainest
// reading of what Sitecore's scripts do: split at semicolons, exact name, no
// decoding. As ours alone, it takes UUIDs only, also in quotes.
func FuzzCookie(f *testing.F) {
	for _, s := range []string{
		"", "sc_cid=" + oldID, "a=b; sc_cid=" + oldID + ";c", "sc_cid=undefined; sc_cid=" + oldID,
		"sc_ctx-1234=" + oldID + "; sc_cid=" + newID, ";;=;sc_cid", "sc_cid=\"" + oldID + "\"", "\x00sc_cid=%00",
	} {
		f.Add(s, "")
	}
	cookie := newBrowserCookie(cdp.Edge{ContextID: "ctx-1234"}, Cookie{Path: "/", Domain: "example.test"})
	plain := func(lines []string, name string) string {
		for _, line := range lines {
			for pair := range strings.SplitSeq(line, ";") {
				value, ok := strings.CutPrefix(strings.TrimLeft(pair, " \t"), name+"=")
				if inner, found := strings.CutPrefix(value, `"`); found && strings.HasSuffix(inner, `"`) {
					value = strings.TrimSuffix(inner, `"`)
				}
				if ok && cdp.ValidBrowserID(value) {
					return value
				}
			}
		}
		return ""
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		lines := []string{first, second}
		want := plain(lines, "sc_cid")
		var former []string
		for _, name := range []string{"sc_ctx-1234", "sc_rid"} {
			if id := plain(lines, name); id != "" {
				want, former = cmp.Or(want, id), append(former, name)
			}
		}
		b := cookie.read(lines)
		id, beside := b.id, cookie.formerIn(b)
		if id != want || beside != strings.Join(former, " ") {
			t.Errorf("%q beside %q, want %q beside %q", id, beside, want, former)
		}
		other := false
		for pair := range strings.SplitSeq(first+";"+second, ";") {
			value, ok := strings.CutPrefix(strings.TrimLeft(pair, " \t"), "sc_cid=")
			other = other || ok && value != want
		}
		if b.stale != other {
			t.Errorf("another value of the cookie: %v, want %v", b.stale, other)
		}
		if id != "" && len(id) != 36 {
			t.Errorf("%q is no UUID", id)
		}
	})
}
