package relay_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/relay"
)

// TestOutage: while the CDP is down, resets or leads elsewhere, events are answered as ever,
// new visitors get IDs that are ready, and all arrives when it is back: in order, unless it
// refused the sender, for then the queue tries one and another.
func TestOutage(t *testing.T) {
	for _, tc := range []struct {
		name  string
		fault cdptest.Fault
		order bool
	}{
		{"down", cdptest.Status(503), true}, {"resetting", cdptest.ResetBefore(), true}, {"leading elsewhere", cdptest.Redirect(302, "/"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			// Of an event that was written and not answered nobody knows whether it counted,
			// and a slow machine tries it more than three times.
			rd := open(t, setup{config: func(c *goaltrack.Config) { c.Delivery.UnknownAttempts = 1 << 20 }})
			rd.CDP.Fault(tc.fault)
			v := rd.browser()
			id := fmt.Sprint(bodyOf(t, v.Get(rd.url("create")))["ref"])
			if !cdp.ValidBrowserID(id) {
				t.Fatalf("the ID is %q", id)
			}
			v.Header.Set("Cookie", rd.cookie()+"="+id)
			for i := range 10 {
				if res := post(v, rd.url("events"), rd.say("CLICKED", id, fmt.Sprintf(`"ext":{"n":%d}`, i))); res.StatusCode != http.StatusCreated || bodyOf(t, res)["status"] != "OK" {
					t.Errorf("event %d is answered %d", i, res.StatusCode)
				}
			}
			rd.CDP.ClearFaults()
			rd.Flush()
			for i, e := range rd.CDP.Events() {
				if tc.order && e.Ext["n"] != float64(i) {
					t.Errorf("event %d is %s", i, e.Raw)
				}
			}
			if n := len(rd.CDP.Events()); n != 10 {
				t.Errorf("%d arrived", n)
			}
		})
	}
}

// TestOrder: what a script sends stands behind what the visitor did on the server before.
func TestOrder(t *testing.T) {
	rd := open(t, setup{rules: "{version: 1, goals: [{goal: PRICING_VIEWED, visit: /pricing}]}"})
	rd.CDP.Fault(cdptest.Delay(20 * time.Millisecond).On(cdptest.Sends))
	for i := range 5 {
		rd.Visitor().Meet().Get("/pricing")
		post(rd.known(), rd.url("events"), rd.say("CLICKED", ours, fmt.Sprintf(`"n":%d`, i)))
	}
	rd.Flush()
	for i, e := range rd.CDP.Events() {
		if want := [...]string{"PRICING_VIEWED", "CLICKED"}[i%2]; e.Type != want {
			t.Errorf("event %d is %s", i, e.Type)
		}
	}
	if n := len(rd.CDP.Events()); n != 10 {
		t.Errorf("%d arrived", n)
	}
}

// TestNoID: where no ID can be had, create says so and no event makes a guest.
func TestNoID(t *testing.T) {
	rd := open(t, setup{cold: true, options: relay.Options{Timeout: 50 * time.Millisecond}})
	rd.CDP.Fault(cdptest.Hang().On(cdptest.Creates))
	res := rd.browser().Get(rd.url("create"))
	if got := bodyOf(t, res); res.StatusCode != http.StatusServiceUnavailable || got["ref"] != nil || got["error_msg"] != "no_browser_id" {
		t.Errorf("%d %v", res.StatusCode, got)
	}
	if res := post(rd.browser(), rd.url("events"), rd.say("CLICKED", "undefined")); res.StatusCode != http.StatusCreated {
		t.Errorf("status %d", res.StatusCode)
	}
	if got := rd.Fates("relayed"); got != "no_browser_id 1" {
		t.Errorf("the ledger says %s", got)
	}
	rd.CDP.ClearFaults()
}

// TestCreateWaits: a new visitor's script waits for a CDP that is slow.
func TestCreateWaits(t *testing.T) {
	rd := open(t, setup{cold: true})
	rd.CDP.Fault(cdptest.Delay(100 * time.Millisecond).On(cdptest.Creates))
	if got := bodyOf(t, rd.browser().Get(rd.url("create"))); !cdp.ValidBrowserID(fmt.Sprint(got["ref"])) {
		t.Errorf("%v", got)
	}
}

// TestInsecure: where the browser would not keep the cookie, each page would make a guest.
func TestInsecure(t *testing.T) {
	rd := open(t, setup{})
	v := rd.browser()
	v.Header.Del("Sec-Fetch-Site")
	res := v.Get(rd.url("create"), "Host", "shop.example", "Referer", "http://shop.example/products/42")
	if got := bodyOf(t, res); res.StatusCode != http.StatusServiceUnavailable || got["error_msg"] != "insecure" {
		t.Errorf("%d %v", res.StatusCode, got)
	}
}

// TestHeals: a cookie that a script spoiled is set anew with the next event, and the event is
// that ID's.
func TestHeals(t *testing.T) {
	for _, junk := range []string{"", "undefined", "anonymous"} {
		rd := open(t, setup{})
		v := rd.browser()
		v.Header.Set("Cookie", rd.cookie()+"="+junk)
		res := post(v, rd.url("events"), rd.say("CLICKED", junk))
		set := res.Header.Get("Set-Cookie")
		if res.StatusCode != http.StatusCreated || !strings.HasPrefix(set, rd.cookie()+"=") {
			t.Fatalf("%q: %d %q", junk, res.StatusCode, set)
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(set, rd.cookie()+"="), ";")
		rd.Flush()
		rd.CDP.Expect(t, "CLICKED").From(id).Once()
	}
}

// TestQueueFull: when there is no room, the script is told the truth, in JSON, and may try
// again.
func TestQueueFull(t *testing.T) {
	rd := open(t, setup{config: func(c *goaltrack.Config) { c.Delivery.QueueEvents = 2 }})
	rd.CDP.Fault(cdptest.Status(503).On(cdptest.Sends))
	rd.CDP.Know(theirs)
	post(rd.known(), rd.url("events"), rd.say("CLICKED", ours))
	other := rd.browser()
	other.Header.Set("Cookie", rd.cookie()+"="+theirs)
	body := rd.say("CLICKED", theirs)
	res := post(other, rd.url("events"), body)
	if got := bodyOf(t, res); res.StatusCode != http.StatusServiceUnavailable || got["error_msg"] != "queue_full" {
		t.Errorf("%d %v", res.StatusCode, got)
	}
	rd.CDP.ClearFaults()
	rd.Flush()
	if res := post(other, rd.url("events"), body); res.StatusCode != http.StatusCreated {
		t.Errorf("the second try: %d", res.StatusCode)
	}
	rd.Flush()
	rd.CDP.Expect(t, "CLICKED").From(theirs).Once()
}

// TestResent: a request that a browser sends again counts once, and two clicks count twice.
func TestResent(t *testing.T) {
	rd := open(t, setup{edge: true})
	one, two := rd.say("CLICKED", ours), rd.say("CLICKED", ours, `"n":2`)
	for _, body := range []string{one, one, two, one} {
		if res := post(rd.known(), rd.url("events"), body); res.StatusCode != http.StatusCreated {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	rd.Flush()
	if n := len(rd.CDP.Events()); n != 2 || rd.Note("relay_resent") != 2 {
		t.Errorf("%d arrived, relay_resent %d", n, rd.Note("relay_resent"))
	}
}

// TestResentDirect: Engage says no time, so the same body is the same event only by another
// connection.
func TestResentDirect(t *testing.T) {
	rd := open(t, setup{})
	rd.CDP.Know(ours)
	body := rd.say("CLICKED", ours)
	send := func(conn net.Conn) {
		t.Helper()
		_, _ = io.WriteString(conn, rd.head(fmt.Sprint("Content-Length: ", len(body)))+body)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusCreated {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	one, other := rd.dial(), rd.dial()
	send(one)
	send(one) // a second click
	send(other)
	rd.Flush()
	if n := len(rd.CDP.Events()); n != 2 || rd.Note("relay_resent") != 1 {
		t.Errorf("%d arrived, relay_resent %d", n, rd.Note("relay_resent"))
	}
}

// TestIdentity: an identity is refused, unless the owner allows it. Then it is relayed, and
// sealed on disk as all that is relayed.
func TestIdentity(t *testing.T) {
	person := `"email":"ada@example.com","identifiers":[{"id":"ada@example.com","provider":"email"}]`
	rd := open(t, setup{})
	if res := post(rd.known(), rd.url("events"), rd.say("IDENTITY", ours, person)); res.StatusCode != http.StatusCreated {
		t.Errorf("status %d", res.StatusCode)
	}
	for _, typ := range []string{"identity", " Identity ", "\u0131dent\u0131ty"} { // nobody knows how closely the CDP looks
		post(rd.known(), rd.url("events"), rd.say(typ, ours, person))
	}
	rd.Flush()
	if n := len(rd.CDP.Events()); n != 0 || rd.Note("relay_identity") != 4 {
		t.Errorf("%d arrived, relay_identity %d", n, rd.Note("relay_identity"))
	}

	dir := t.TempDir()
	rd = open(t, setup{options: relay.Options{AllowIdentity: true}, config: func(c *goaltrack.Config) {
		c.Delivery.SpoolDir, c.Delivery.SpoolWait = dir, 10*time.Second // what was answered is on the disk
		c.Keys = []goaltrack.Key{{Hash: []byte(strings.Repeat("h", 32)), Block: []byte(strings.Repeat("b", 32))}}
	}})
	rd.CDP.Fault(cdptest.Status(503).On(cdptest.Sends))
	post(rd.known(), rd.url("events"), rd.say("IDENTITY", ours, person))
	post(rd.known(), rd.url("events"), rd.say("CLICKED", ours, `"ext":{"typed":"ada@example.com"}`))
	seen, sealed := 0, 0
	if err := queue.InspectSpool(dir, func(e queue.SpoolEntry) error {
		seen++
		if !strings.Contains(string(e.Body), "ada@example.com") && e.Private {
			sealed++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if seen != 2 || sealed != 2 {
		t.Errorf("%d events lie on the disk, %d of them sealed", seen, sealed)
	}
	rd.CDP.ClearFaults()
	rd.Flush()
	rd.CDP.Expect(t, "IDENTITY").From(ours).Once()
}

// TestBeforeSend: the site's own function sees what is relayed. What it leaves alone is sent
// as the script wrote it.
func TestBeforeSend(t *testing.T) {
	rd := open(t, setup{config: func(c *goaltrack.Config) {
		c.BeforeSend = func(e *cdp.Event) bool {
			switch e.Type {
			case "DROPPED":
				return false
			case "CHANGED":
				e.Ext = cdp.Ext{{Name: "kept", Value: "yes"}}
				delete(e.Fields, "secret")
			case "SPOILED":
				e.Channel = "no channel"
			}
			return true
		}
	}})
	for _, typ := range []string{"DROPPED", "CHANGED", "SPOILED", "LEFT"} {
		post(rd.known(), rd.url("events"), rd.say(typ, ours, `"secret":"s","number":12345678901234567890`, `"ext":{"a":1.50}`))
	}
	rd.Flush()
	for _, e := range rd.CDP.Events() {
		raw := string(e.Raw)
		switch e.Type {
		case "CHANGED":
			if strings.Contains(raw, "secret") || e.Ext["kept"] != "yes" || e.Ext["a"] != nil {
				t.Errorf("it arrived as %s", raw)
			}
		case "LEFT":
			if !strings.Contains(raw, `"number":12345678901234567890`) || !strings.Contains(raw, `"a":1.50`) {
				t.Errorf("it arrived as %s", raw)
			}
		default:
			t.Errorf("%s arrived", e.Type)
		}
	}
	if got := rd.Fates("relayed"); got != "fired 2, before_send 1, event_invalid 1" {
		t.Errorf("the ledger says %s", got)
	}
}

// TestSites: of several sites, an event belongs to the one that it names.
func TestSites(t *testing.T) {
	rd := open(t, setup{config: func(c *goaltrack.Config) {
		direct := c.Sites[0].CDP.(cdp.Direct)
		german := direct
		german.PointOfSale = "german"
		c.Sites = []goaltrack.Site{
			{Name: "press", CDP: cdp.Direct{BaseURL: direct.BaseURL, ClientKey: "press-key", PointOfSale: "press"}, PathPrefix: "/press"},
			{Name: "german", CDP: german, PathPrefix: "/de"},
			{Name: "shop", CDP: direct},
			{Name: "far", CDP: cdp.Direct{BaseURL: direct.BaseURL, ClientKey: "far-key", PointOfSale: "far"}, Hosts: []string{"far.example"}},
		}
	}})
	for _, tc := range []struct {
		key, pos, page string
		status         int
	}{
		{cdptest.TestClientKey, cdptest.TestPointOfSale, "/products/42", 201},
		{cdptest.TestClientKey, "german", "/products/42", 201},
		{cdptest.TestClientKey, "german", "/de/a", 201},
		{"press-key", "press", "/press/a", 201},
		{"press-key", "press", "/products/42", 201},
		{cdptest.TestClientKey, "", "/products/42", 201},
		{cdptest.TestClientKey, "press", "/products/42", 403}, // of another tenant
		{"far-key", "far", "/", 403},                          // it is on another host
	} {
		v := rd.known()
		v.Header.Set("Cookie", fmt.Sprintf("bid_%s=%s; bid_press-key=%s", cdptest.TestClientKey, ours, ours))
		v.Header.Set("Referer", rd.Site.URL+tc.page)
		body := `{"browser_id":"` + ours + `","type":"VIEW","client_key":"` + tc.key + `","pos":"` + tc.pos + `","page":"` + tc.page + `"}`
		if res := post(v, rd.url("events"), body); res.StatusCode != tc.status {
			t.Errorf("%+v: status %d", tc, res.StatusCode)
		}
	}
}

// TestDryRun: without a network all is decided and nothing sent.
func TestDryRun(t *testing.T) {
	rd := open(t, setup{config: func(c *goaltrack.Config) { c.DryRun = true }})
	if res := post(rd.known(), rd.url("events"), rd.say("CLICKED", ours)); res.StatusCode != http.StatusCreated {
		t.Errorf("status %d", res.StatusCode)
	}
	for _, res := range []*http.Response{rd.browser().Get(rd.url("create")), post(rd.known(), rd.url("personalize"), rd.flow(ours, "a"))} {
		if res.StatusCode < 500 {
			t.Errorf("status %d", res.StatusCode)
		}
	}
	if got := rd.Fates("relayed"); got != "fired 1" {
		t.Errorf("the ledger says %s", got)
	}
	if n := len(rd.CDP.Events()); n != 0 {
		t.Errorf("%d arrived", n)
	}
}

// narrow is a queue that has no room for a large item the first time.
type narrow struct {
	queue.Queue
	full atomic.Bool
}

func (n *narrow) Append(ctx context.Context, items ...queue.Item) error {
	for _, i := range items {
		if len(i.Body) > 2<<10 && !n.full.Swap(true) {
			return queue.ErrFull
		}
	}
	return n.Queue.Append(ctx, items...)
}

// TestNoGoalOfAnEventWithoutRoom: the script may send such an event again, and its goal would
// count twice.
func TestNoGoalOfAnEventWithoutRoom(t *testing.T) {
	const rules = "{version: 1, goals: [{goal: DEMO_ASKED, event: CLICKED}]}"
	rd := open(t, setup{rules: rules, config: func(c *goaltrack.Config) {
		c.Delivery.Queue = &narrow{Queue: queue.NewMemory(100, 1<<20)}
	}})
	body := rd.say("CLICKED", ours, `"ext":{"text":"`+strings.Repeat("x", 4<<10)+`"}`)
	for i, want := range []int{http.StatusServiceUnavailable, http.StatusCreated} {
		if res := post(rd.known(), rd.url("events"), body); res.StatusCode != want {
			t.Errorf("try %d: %d, want %d", i+1, res.StatusCode, want)
		}
	}
	rd.Done()
	if got := rd.Fates("DEMO_ASKED"); got != "fired 1, queue_full 1" {
		t.Errorf("%s", got)
	}
}
