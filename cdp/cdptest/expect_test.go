package cdptest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// deaf is a test that writes down its failures instead of failing.
type deaf struct {
	testing.TB

	said []string
}

func (d *deaf) Helper()                        {}
func (d *deaf) Errorf(format string, a ...any) { d.said = append(d.said, fmt.Sprintf(format, a...)) }

func TestExpect(t *testing.T) {
	c := cdptest.New(cdptest.Options{PointsOfSale: []string{"shop"}})
	c.Know(knownID)
	put(t, c, event("type", `"VIEW"`, "page", `"home"`))
	put(t, c, event("ext", `{"topic":"sales","pages":12,"vip":true}`))
	put(t, c, event("ext", `{"topic":"support","pages":13}`))
	put(t, c, event("type", `"SEARCHED"`, "pos", `"Shop"`))
	put(t, c, event("type", `"IDENTITY"`))
	sent := func(d *deaf) *cdptest.Expectation { return c.Expect(d, "CONTACT_SENT") }

	for name, meets := range map[string]func(*deaf){
		"once":        func(d *deaf) { sent(d).With("topic", "sales").Once() },
		"numbers":     func(d *deaf) { sent(d).With("pages", 12).With("pages", 12.0).With("pages", int8(12)).Once() },
		"booleans":    func(d *deaf) { sent(d).With("vip", true).Once() },
		"page and ID": func(d *deaf) { sent(d).On("contact").From(knownID).Times(2) },
		"where": func(d *deaf) {
			sent(d).With("topic", "support").Where("pages > 12", func(e cdptest.Event) bool {
				return e.Ext["pages"].(float64) > 12 // a VIEW has none, but is not asked
			}).Once()
		},
		"never":   func(d *deaf) { sent(d).With("topic", "press").Never() },
		"lost":    func(d *deaf) { c.Expect(d, "SEARCHED").Never() },
		"refused": func(d *deaf) { c.Expect(d, "IDENTITY").Never() },
		"two ways": func(d *deaf) {
			both := sent(d).On("contact")
			sales, support := both.With("topic", "sales"), both.With("topic", "support")
			if sales.Once().Ext["pages"] != 12.0 || support.Once().Ext["pages"] != 13.0 {
				d.Errorf("one changed the other")
			}
		},
	} {
		if d := (deaf{TB: t}); true {
			if meets(&d); len(d.said) > 0 {
				t.Errorf("%s: failed with %s", name, d.said)
			}
		}
	}

	for name, test := range map[string]struct {
		fails func(*deaf)
		says  []string
	}{
		"wrong value": {func(d *deaf) { sent(d).On("contact").With("topic", "press").Once() }, []string{
			`expected 1 event CONTACT_SENT on page "contact" with topic="press", found 0`,
			`nearest: 3., but topic is "support"`,
			"arrived: 4 events", `2. CONTACT_SENT on page "contact" with pages=12, topic="sales", vip=true from ` + knownID,
			`4. SEARCHED on page "contact" from ` + knownID + ` (LOST: point of sale "Shop" is not known)`,
			"refused or unanswered: 1 request", "POST /v1.2/events, answered 400: IDENTITY: needs identifiers",
		}},
		"wrong JSON type": {func(d *deaf) { sent(d).With("pages", "12").Once() }, []string{`with pages="12", found 0`, "but pages is 13"}},
		"absent":          {func(d *deaf) { sent(d).With("nope", 1).Once() }, []string{"but ext has no nope"}},
		"impossible":      {func(d *deaf) { sent(d).With("f", t.Log).Once() }, []string{"can never be in JSON"}},
		"too many":        {func(d *deaf) { sent(d).Once() }, []string{"expected 1 event CONTACT_SENT, found 2"}},
		"too few":         {func(d *deaf) { sent(d).Times(3) }, []string{"expected 3 events CONTACT_SENT, found 2"}},
		"not never":       {func(d *deaf) { sent(d).Never() }, []string{"expected 0 events CONTACT_SENT, found 2"}},
		"lost":            {func(d *deaf) { c.Expect(d, "SEARCHED").Once() }, []string{"nearest: 4., but it is lost"}},
		"where":           {func(d *deaf) { sent(d).Where("luck", func(cdptest.Event) bool { return false }).Once() }, []string{"but not where luck"}},
		"from":            {func(d *deaf) { sent(d).From("x").Once() }, []string{"CONTACT_SENT from x, found 0", "but browser ID is " + `"` + knownID}},
	} {
		d := deaf{TB: t}
		test.fails(&d)
		if len(d.said) != 1 {
			t.Errorf("%s: failed %d times", name, len(d.said))
			continue
		}
		for _, part := range test.says {
			if !strings.Contains(d.said[0], part) {
				t.Errorf("%s: does not say %q:\n%s", name, part, d.said[0])
			}
		}
	}
}

func TestExpectWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cdptest.New(cdptest.Options{})
		c.Know(knownID)
		began := time.Now()
		go func() {
			for _, kind := range []string{"VIEW", "CONTACT_SENT", "VIEW"} {
				<-time.After(time.Second)
				put(t, c, event("type", `"`+kind+`"`))
			}
		}()
		c.Expect(t, "CONTACT_SENT").Within(time.Minute).Once()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("waited %v for what came after 2s", took)
		}
		c.Expect(t, "SEARCHED").Within(time.Minute).Never()
		if took := time.Since(began); took != time.Minute+2*time.Second {
			t.Errorf("Never waited until %v", took)
		}
		var d deaf
		c.Expect(&d, "SEARCHED").Within(time.Second).Once()
		if len(d.said) != 1 {
			t.Errorf("said %v", d.said)
		}
		go func() {
			<-time.After(time.Second)
			put(t, c, event("type", `"SEARCHED"`))
		}()
		c.Expect(&d, "SEARCHED").Within(time.Minute).Never()
		if took := time.Since(began); len(d.said) != 2 || took != time.Minute+4*time.Second {
			t.Errorf("said %v after %v", d.said, took)
		}
	})
}

// TestExpectTellsLittle keeps messages readable after thousands of events.
func TestExpectTellsLittle(t *testing.T) {
	c := cdptest.New(cdptest.Options{})
	c.Know(knownID)
	for range 30 {
		put(t, c, event("page", `"`+strings.Repeat("x", 1000)+`"`))
		put(t, c, "no JSON")
	}
	var d deaf
	c.Expect(&d, "SEARCHED").Once()
	if len(d.said) != 1 || len(d.said[0]) > 5000 || !strings.Contains(d.said[0], "\n  30. ") || strings.Contains(d.said[0], "\n  20. ") {
		t.Errorf("said %s", d.said)
	}
}
