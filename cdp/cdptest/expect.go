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

// Expectation says which events a test expects to have arrived. [Expectation.On],
// [Expectation.From], [Expectation.With] and [Expectation.Where] narrow it. [Expectation.Once],
// [Expectation.Times] and [Expectation.Never] decide. If they are not met, they fail the test
// and list what arrived and what was refused.
//
// The narrowing methods return a changed copy, so that one beginning can be continued in two
// ways. Use an Expectation in one goroutine only.
type Expectation struct {
	c     *CDP
	tb    testing.TB
	wants []want
	wait  time.Duration
}

// want is one condition.
type want struct {
	name        string              // in messages
	misfit      func(*Event) string // what an event has instead; "" if it meets the condition
	afterOthers bool                // asked only about events that meet the conditions before it
}

// Expect begins an expectation of events of this type:
//
//	s.Expect(t, "CONTACT_SENT").On("contact").With("topic", "sales").Once()
//
// Lost events do not count, because nobody would ever see them in the real CDP. By default,
// only what has arrived already counts; see [Expectation.Within].
func (c *CDP) Expect(tb testing.TB, eventType string) *Expectation {
	x := &Expectation{c: c, tb: tb}
	return x.equal(eventType, "type", eventType, func(e *Event) string { return e.Type })
}

// On narrows the expectation to events with this page.
func (x *Expectation) On(page string) *Expectation {
	return x.equal(fmt.Sprintf("on page %q", page), "page", page, func(e *Event) string { return e.Page })
}

// From narrows the expectation to events with this browser ID.
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

// With narrows the expectation to events with this ext attribute. Values are compared as JSON: 1,
// int64(1) and 1.0 are the same number, "1" is not. No event meets a value that cannot be in
// JSON.
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

// Where narrows the expectation to events for which ok reports true. The name says in messages
// what is asked. Only events that meet the conditions before it are asked about, so after
// With("pages", 12) it may rely on pages.
func (x *Expectation) Where(name string, ok func(Event) bool) *Expectation {
	return x.with(want{name: "where " + name, afterOthers: true, misfit: func(e *Event) string {
		if !ok(*e) {
			return "not where " + name
		}
		return ""
	}})
}

func (x *Expectation) add(name string, misfit func(*Event) string) *Expectation {
	return x.with(want{name: name, misfit: misfit})
}

// with returns a copy with one condition more.
func (x *Expectation) with(w want) *Expectation {
	more := *x
	more.wants = slices.Concat(x.wants, []want{w})
	return &more
}

// Within gives the events the time d to arrive. Default: only what has arrived counts.
// [Expectation.Never] waits for all of d.
func (x *Expectation) Within(d time.Duration) *Expectation {
	more := *x
	more.wait = d
	return &more
}

// Once expects exactly one such event and returns it. If the expectation is not met, it fails
// the test and returns the zero Event. It does not wait to see whether a second one comes.
func (x *Expectation) Once() Event {
	x.tb.Helper()
	if found := x.Times(1); len(found) == 1 {
		return found[0]
	}
	return Event{}
}

// Times expects exactly n such events and returns those that there are. If there are more or
// fewer, it fails the test. It does not wait to see whether more come.
func (x *Expectation) Times(n int) []Event {
	x.tb.Helper()
	found := x.await(max(n, 1))
	if len(found) != n {
		x.tb.Errorf("cdptest: expected %s %s, found %d%s%s", count(n, "event"), x, len(found), x.nearest(len(found)), x.c.story())
	}
	return found
}

// Never expects that no such event arrives. If one does, it fails the test.
func (x *Expectation) Never() {
	x.tb.Helper()
	x.Times(0)
}

// String returns what is expected, such as
//
//	CONTACT_SENT on page "contact" with topic="sales"
func (x *Expectation) String() string {
	var names []string
	for _, w := range x.wants {
		names = append(names, w.name)
	}
	return strings.Join(names, " ")
}

// await returns the events that meet all conditions, as soon as there are n or the time is up.
func (x *Expectation) await(n int) []Event {
	timer := time.NewTimer(x.wait)
	defer timer.Stop()
	for timeUp := x.wait <= 0; ; {
		events, _, next := x.c.watch()
		var found []Event
		for _, e := range events {
			if misfits, _ := x.misfits(&e); !e.Lost && len(misfits) == 0 {
				found = append(found, e)
			}
		}
		if len(found) >= n || timeUp {
			return found
		}
		select {
		case <-next:
		case <-timer.C:
			timeUp = true // one last look, for what arrived at the same moment
		}
	}
}

// misfits returns where e is not what is expected, and how many conditions it meets.
func (x *Expectation) misfits(e *Event) (misfits []string, met int) {
	for _, w := range x.wants {
		if w.afterOthers && len(misfits) > 0 {
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

// nearest describes the event that meets the most conditions, if none meets all. It is nearly
// always the one that was meant.
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

// asJSON returns what a reader of the JSON of value gets.
func asJSON(value any) (any, error) {
	b, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var v any
	err = json.Unmarshal(b, &v)
	return v, err
}
