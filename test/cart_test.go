package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const cartRules = `
defaults: { currency: EUR }
goals:
  - goal: PUT
    submit: /cart
    success: redirect to /cart/{line}
    sends: ADD
    fields: { type: TEA, item_id: $redirect.line, referenceId: $redirect.line, productId: x, name: x, price: 5 }
  - { goal: SURE, submit: /review, success: redirect to /pay, sends: CONFIRM, fields: { item_id: $form.line } }
  - { goal: BOUGHT, submit: /order, success: redirect to /done, sends: CHECKOUT, fields: { reference_id: A-1, status: PURCHASED } }
  - { goal: EMPTIED, submit: /empty, success: redirect to /, sends: CLEAR_CART }
  - { goal: GO_PUT, code: true, sends: ADD }
  - { goal: GO_SURE, code: true, sends: CONFIRM }
`

// TestCart: a CONFIRM of what was not added in the session is not sent, nor its CHECKOUT,
// whichever instance the visitor meets.
func TestCart(t *testing.T) {
	put := func(line string) string { return "POST /cart a=b -> 303 /cart/" + line }
	const order, empty = "POST /order a=b -> 303 /done", "POST /empty a=b -> 303 /"
	sure := func(lines ...string) string {
		return "POST /review line=" + strings.Join(lines, " line=") + " -> 303 /pay"
	}
	var many []string
	for i := range 21 {
		many = append(many, put("L-"+string(rune('a'+i))))
	}
	for _, test := range []struct {
		name         string
		lines        []string
		sure, bought string
	}{
		{"all was added", []string{put("L-1"), put("L-2"), sure("L-1", "L-2"), order}, "fired 1", "fired 1"},
		{"one was not", []string{put("L-1"), sure("L-1", "L-2"), order}, "cart_unknown_item 1", "cart_unknown_item 1"},
		{"nothing was", []string{sure("L-1"), order}, "cart_unknown_item 1", "cart_unknown_item 1"},
		{"then it was", []string{sure("L-1"), put("L-1"), sure("L-1"), order}, "fired 1, cart_unknown_item 1", "fired 1"},
		{"emptied", []string{put("L-1"), empty, sure("L-1")}, "cart_unknown_item 1", "none"},
		{"twice the same", []string{put("L-1"), put("L-1"), sure("L-1"), sure("L-1"), order, order}, "fired 2", "fired 2"},
		{"no CONFIRM here", []string{order}, "none", "fired 1"},
		{"the 20th", append(many[:20:20], sure("L-t"), order), "fired 1", "fired 1"},
		{"the 21st", append(many[:21:21], sure("L-u"), order), "cart_unknown_item 1", "cart_unknown_item 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			keys := []goaltrack.Key{{Hash: make([]byte, 32), Block: make([]byte, 32)}}
			var sites []*world.World
			for range 2 {
				sites = append(sites, world.Setup{Rules: cartRules, Site: http.HandlerFunc(asTold), Config: func(c *goaltrack.Config, _ *cdptest.Server) {
					c.Keys = keys
				}}.Start(t))
			}
			first := sites[0].Visitor().Meet()
			sites[1].Visitor().Meet()
			for i, line := range test.lines {
				v := *first
				v.World = sites[i%2]
				visitAsWritten(t, &v, line)
			}
			count := func(goal string) string {
				a, b := sites[0].Fates(goal), sites[1].Fates(goal)
				return addedUp(a, b)
			}
			sites[0].Done()
			sites[1].Done()
			if s, b := count("SURE"), count("BOUGHT"); s != test.sure || b != test.bought {
				t.Errorf("SURE %s, BOUGHT %s", s, b)
			}
		})
	}
}

// addedUp adds fates such as "fired 1, cart_unknown_item 1".
func addedUp(lists ...string) string {
	n := map[string]int{}
	for _, list := range lists {
		for one := range strings.SplitSeq(list, ", ") {
			name, _, ok := strings.Cut(one, " ")
			if ok {
				n[name] += int(one[len(one)-1] - '0')
			}
		}
	}
	var words []string
	for _, name := range []string{"fired", "cart_unknown_item"} {
		if n[name] > 0 {
			words = append(words, name+" "+string(rune('0'+n[name])))
		}
	}
	if words == nil {
		return "none"
	}
	return strings.Join(words, ", ")
}

// TestCartFromGo: the application's own events are remembered as well, in this process.
func TestCartFromGo(t *testing.T) {
	w := world.New(t, cartRules, http.HandlerFunc(asTold))
	w.Visitor().Meet()
	send := func(goal string, e cdp.Event) {
		t.Helper()
		if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, goal, goaltrack.Data{"event": e}); err != nil {
			t.Error(err)
		}
	}
	send("GO_SURE", cdp.Confirm("L-1"))
	send("GO_PUT", whole()["ADD"])
	send("GO_SURE", cdp.Confirm("L-1"))
	send("GO_SURE", cdp.Confirm("L-1", "L-2"))
	w.Expect("GO_SURE", "fired 1, cart_unknown_item 2")
}
