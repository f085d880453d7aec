package visit

import (
	"testing"
	"time"
)

// TestBarsByTally: how often another goal happened, and when last.
func TestBarsByTally(t *testing.T) {
	const now = 30_000_000
	history := func(cut int64) *History {
		return &History{Happened: []Happened{{1, 5, 2, now - 10}, {2, 1, 0, now - 1000}}, Cut: cut}
	}
	each := func(o ...Often) *Goal { return &Goal{Each: o} }
	not := func(o ...Often) *Goal { return &Goal{NotEach: o} }
	for name, c := range map[string]struct {
		goal *Goal
		h    *History
		want Bar
	}{
		"in the session":                  {each(Often{1, 2, 0}), history(0), NoBar},
		"once too few":                    {each(Often{1, 3, 0}), history(0), NotAfter},
		"in an earlier session":           {each(Often{2, 1, 0}), history(0), NotAfter},
		"ever":                            {each(Often{1, 5, Ever}, Often{2, 1, Ever}), history(0), NoBar},
		"ever, too few":                   {each(Often{1, 6, Ever}), history(0), NotAfter},
		"in time":                         {each(Often{2, 1, 1000}), history(0), NoBar},
		"a minute late":                   {each(Often{2, 1, 999}), history(0), NotAfter},
		"nothing is known":                {each(Often{1, 1, Ever}), nil, NotAfter},
		"may be forgotten":                {each(Often{3, 1, Ever}), history(now - 5000), Forgotten},
		"was forgotten before the time":   {each(Often{3, 1, 4999}), history(now - 5000), NotAfter},
		"was forgotten within the time":   {each(Often{3, 1, 5000}), history(now - 5000), Forgotten},
		"forgotten, and known":            {each(Often{1, 1, Ever}), history(now), NoBar},
		"forgotten before the session":    {each(Often{3, 1, 0}), history(now - 21), NotAfter},
		"forgotten in the session":        {each(Often{3, 1, 0}), history(now - 20), Forgotten},
		"may not, and did":                {not(Often{1, 2, 0}), history(0), CameBefore},
		"may not, and did less often":     {not(Often{1, 3, 0}), history(0), NoBar},
		"may not, and may be forgotten":   {not(Often{3, 1, Ever}), history(1), Forgotten},
		"may not, and is longer ago":      {not(Often{2, 1, 999}), history(now - 1000), NoBar},
		"may not, one of two":             {not(Often{3, 1, Ever}, Often{2, 1, Ever}), history(1), CameBefore},
		"a walk, and steps are forgotten": {&Goal{NotAfter: []uint32{9}}, history(now - 20), Forgotten},
		"a walk of an earlier session":    {&Goal{NotAfter: []uint32{9}}, history(now - 21), NoBar},
		"the clock has gone back":         {each(Often{4, 1, 5}), &History{Happened: []Happened{{4, 1, 1, now + 3}}}, NoBar},
		"a wrong clock noted it":          {each(Often{4, 1, 5}), &History{Happened: []Happened{{4, 1, 1, now + 1440}}}, Forgotten},
		"a wrong clock, and may not":      {not(Often{4, 1, 5}), &History{Happened: []Happened{{4, 1, 1, now + 1440}}}, Forgotten},
		"a wrong clock, in the session":   {each(Often{4, 1, 0}), &History{Happened: []Happened{{4, 1, 1, now + 1440}}}, NoBar},
		"a wrong clock, and ever":         {not(Often{4, 1, Ever}), &History{Happened: []Happened{{4, 1, 1, now + 1440}}}, CameBefore},
	} {
		v := &Visit{Start: now - 20, Last: now, History: c.h}
		if got := v.Bars(c.goal, nil, time.Unix(now*60, 0)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestForgottenIsNoted, however it came that there was no room.
func TestForgottenIsNoted(t *testing.T) {
	const now = 30_000_000
	v := &Visit{Start: now, Last: now}
	for i := range uint32(MaxHappened) {
		v.Happen(i, now+int64(i))
	}
	if v.History.Cut != 0 {
		t.Errorf("cut %d, and nothing is forgotten", v.History.Cut)
	}
	v.Happen(100, now+100)
	if v.History.Cut != now {
		t.Errorf("cut %d, want %d", v.History.Cut, now)
	}
	text, _ := v.Encode(80, nil)
	got, err := decode(text, false)
	if err != nil || len(got.History.Happened) == 0 || got.History.Cut != now+int64(MaxHappened-len(got.History.Happened)) {
		t.Errorf("%v, %+v", err, got.History)
	}
	other := &Visit{Start: now, Last: now}
	other.Absorb(got, true)
	if other.History.Cut != got.History.Cut {
		t.Errorf("absorbed: %+v", other.History)
	}
	other.Renew(now + 1000)
	if other.History.Cut != got.History.Cut {
		t.Errorf("in the next session: %+v", other.History)
	}
	walks := &Visit{Start: now, Last: now + 5}
	for i := range uint32(30) {
		walks.Reach(i, 0, (now+1)*60)
	}
	for _, c := range []struct {
		needs *Needs
		want  bool
	}{{&Needs{}, false}, {&Needs{Bars: true}, true}} {
		text, _ = walks.Encode(60, c.needs)
		if got, err = decode(text, false); err != nil || got.History.cutSince(now) != c.want {
			t.Errorf("walks: %v, %+v, want a mark %t", err, got.History, c.want)
		}
	}
}

// TestKeep: what no goal asks for is not kept.
func TestKeep(t *testing.T) {
	const now = 30_000_000
	needs := &Needs{Tallies: map[uint32]int64{1: Ever, 2: 0, 3: 100}}
	v := &Visit{Start: now, Last: now, History: &History{Cut: 5, Happened: []Happened{
		{1, 1, 0, 1}, {2, 2, 0, now - 50}, {3, 1, 0, now - 101}, {4, 1, 1, now},
	}}}
	v.Keep(needs, now)
	if h := v.History; len(h.Happened) != 1 || h.Happened[0].Hash != 1 || h.Cut != 5 {
		t.Errorf("%+v", h)
	}
	v.History.Happened = []Happened{{2, 2, 1, now - 50}, {3, 1, 0, now - 100}, {3, 1, 1, now - 200}}
	if v.Keep(needs, now); len(v.History.Happened) != 3 {
		t.Errorf("%+v", v.History)
	}
	if v.Keep(&Needs{}, now); len(v.History.Happened) != 0 || v.History.Cut != 0 {
		t.Errorf("nobody asks: %+v", v.History)
	}
}

// TestWrongClock: what a clock noted that was ahead ends when it happens again, and what was
// forgotten then is not in doubt for as long as the clock was ahead.
func TestWrongClock(t *testing.T) {
	const now = 30_000_000
	v := &Visit{Start: now, Last: now}
	v.Happen(1, now+1440)
	v.History.Cut = now + 1440
	v.Keep(&Needs{Tallies: map[uint32]int64{1: 30, 2: 30}}, now)
	if in := (Often{1, 1, 30}); v.Enough(in, now) || v.History.Cut != now {
		t.Errorf("it happened in the future: %+v", v.History)
	}
	v.Happen(1, now)
	if in := (Often{1, 1, 30}); !v.Enough(in, now+30) || v.Enough(in, now+31) {
		t.Errorf("it happened again: %+v", v.History)
	}
	if bar := v.Bars(&Goal{NotEach: []Often{{2, 1, 30}}}, nil, time.Unix((now+31)*60, 0)); bar != NoBar {
		t.Errorf("another: %d", bar)
	}
}
