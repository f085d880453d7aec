package cdptest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Expectation is what a test expects to have arrived. Conditions narrow it
// ([Expectation.On], [Expectation.From], [Expectation.With],
// [Expectation.Where]); [Expectation.Once], [Expectation.Times] and
// [Expectation.Never] decide, and fail the test with a list of what arrived
// and what was refused. Use one per goroutine.
type Expectation struct {
	c     *CDP
	tb    testing.TB
	wants []want
	wait  time.Duration
}

// want is one condition: its name in messages, and what an event has in its
// place; "" when it fits.
type want struct {
	name   string
	misfit func(*Event) string
	late   bool // asked only about events that meet what comes before
}

// Expect begins an expectation of events of this type:
//
//	s.Expect(t, "CONTACT_SENT").On("contact").With("topic", "sales").Once()
//
// Lost events do not count, since nobody would ever see them in the real CDP.
func (c *CDP) Expect(tb testing.TB, eventType string) *Expectation {
	x := &Expectation{c: c, tb: tb}
	return x.equal(eventType, "type", eventType, func(e *Event) string { return e.Type })
}

// On wants the event's page to be this one.
func (x *Expectation) On(page string) *Expectation {
	return x.equal(fmt.Sprintf("on page %q", page), "page", page, func(e *Event) string { return e.Page })
}

// From wants the event to have this browser ID.
func (x *Expectation) From(browserID string) *Expectation {
	return x.equal("from "+browserID, "browser ID", browserID, func(e *Event) string { return e.BrowserID })
}

func (x *Expectation) equal(name, field, value string, get func(*Event) string) *Expectation {
	return x.add(name, func(e *Event) string {
		if got := get(e); got != value {
			return fmt.Sprintf("%s is %.100q", field, got)
		}
		return ""
	})
}

// With wants an ext attribute to have this value, compared as JSON: 1, int64(1)
// and 1.0 are the same number, "1" is not.
func (x *Expectation) With(name string, value any) *Expectation {
	want, err := asJSON(value)
	return x.add(fmt.Sprintf("with %s=%s", name, literal(value)), func(e *Event) string {
		got, sent := e.Ext[name]
		switch {
		case err != nil:
			return fmt.Sprintf("%T can never be in JSON: %v", value, err)
		case !sent:
			return "ext has no " + name
		case !reflect.DeepEqual(got, want):
			return fmt.Sprintf("%s is %s", name, literal(got))
		}
		return ""
	})
}

// Where wants ok to say yes; the name says in messages what about. It is asked
// only about events that meet the conditions before it, so after
// With("pages", 12) it may count on pages.
func (x *Expectation) Where(name string, ok func(Event) bool) *Expectation {
	return x.with(want{name: "where " + name, late: true, misfit: func(e *Event) string {
		if !ok(*e) {
			return "not where " + name
		}
		return ""
	}})
}

func (x *Expectation) add(name string, misfit func(*Event) string) *Expectation {
	return x.with(want{name: name, misfit: misfit})
}

// with makes a fresh list, so that one beginning can be continued in two ways.
func (x *Expectation) with(w want) *Expectation {
	more := *x
	more.wants = slices.Concat(x.wants, []want{w})
	return &more
}

// Within gives the events d to arrive; without it, what has arrived counts.
// [Expectation.Never] waits all of it.
func (x *Expectation) Within(d time.Duration) *Expectation {
	more := *x
	more.wait = d
	return &more
}

// Once expects exactly one such event and returns it; the zero Event when the
// expectation fails. It does not wait to see whether a second one comes.
func (x *Expectation) Once() Event {
	x.tb.Helper()
	if found := x.Times(1); len(found) == 1 {
		return found[0]
	}
	return Event{}
}

// Times expects exactly n such events and returns what there was. It does not
// wait to see whether more come.
func (x *Expectation) Times(n int) []Event {
	x.tb.Helper()
	found := x.await(max(n, 1))
	if len(found) != n {
		x.tb.Errorf("cdptest: expected %s %s, found %d%s%s", count(n, "event"), x, len(found), x.nearest(len(found)), x.c.story())
	}
	return found
}

// Never expects no such event.
func (x *Expectation) Never() {
	x.tb.Helper()
	x.Times(0)
}

// String says what is expected: CONTACT_SENT on page "contact" with topic="sales".
func (x *Expectation) String() string {
	var names []string
	for _, w := range x.wants {
		names = append(names, w.name)
	}
	return strings.Join(names, " ")
}

// await returns the events that fit, as soon as there are n or time is up.
func (x *Expectation) await(n int) []Event {
	timer := time.NewTimer(x.wait)
	defer timer.Stop()
	for late := x.wait <= 0; ; {
		events, _, next := x.c.watch()
		var found []Event
		for _, e := range events {
			if misfits, _ := x.misfits(&e); !e.Lost && len(misfits) == 0 {
				found = append(found, e)
			}
		}
		if len(found) >= n || late {
			return found
		}
		select {
		case <-next:
		case <-timer.C:
			late = true // one last look, for what came at the same moment
		}
	}
}

// misfits says where e is not what is expected, and how many conditions it meets.
func (x *Expectation) misfits(e *Event) (misfits []string, met int) {
	for _, w := range x.wants {
		if w.late && len(misfits) > 0 {
			continue
		}
		if s := w.misfit(e); s != "" {
			misfits = append(misfits, s)
		} else {
			met++
		}
	}
	return misfits, met
}

// nearest points at the event that meets the most conditions, when none meets
// all: it is nearly always the one that was meant.
func (x *Expectation) nearest(found int) string {
	if found > 0 {
		return ""
	}
	var at, best int
	var line string
	for i, e := range x.c.Events() {
		misfits, met := x.misfits(&e)
		if met == 0 {
			continue // nothing in common
		}
		if e.Lost {
			misfits = append(misfits, "it is lost")
		}
		if at == 0 || met >= best {
			at, best, line = i+1, met, strings.Join(misfits, ", ")
		}
	}
	if at == 0 {
		return ""
	}
	return fmt.Sprintf("\nnearest: %d., but %s", at, line)
}

// asJSON is what value is after a journey through JSON.
func asJSON(value any) (any, error) {
	b, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var v any
	err = json.Unmarshal(b, &v)
	return v, err
}
