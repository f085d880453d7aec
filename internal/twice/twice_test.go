package twice

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// TestClaim: what one told is not told by the other, once for once, for a while.
func TestClaim(t *testing.T) {
	const window = 10 * time.Second
	type step struct {
		by       Teller
		after    time.Duration
		what     string
		withdraw bool
		ok       bool
	}
	for name, steps := range map[string][]step{
		"the server first":          {{Server, 0, "a", false, true}, {Script, 0, "a", false, false}, {Script, 0, "a", false, true}},
		"the script first":          {{Script, 0, "a", false, true}, {Server, 0, "a", false, false}},
		"other things":              {{Server, 0, "a", false, true}, {Script, 0, "b", false, true}},
		"one alone, as they like":   {{Server, 0, "a", false, true}, {Server, 0, "a", false, true}},
		"twice each":                {{Script, 0, "a", false, true}, {Script, 0, "a", false, true}, {Server, 0, "a", false, false}, {Server, 0, "a", false, false}, {Server, 0, "a", false, true}},
		"in the last moment":        {{Server, 0, "a", false, true}, {Script, window - 1, "a", false, false}},
		"too late":                  {{Server, 0, "a", false, true}, {Script, window, "a", false, true}},
		"what was long ago is over": {{Server, 0, "a", false, true}, {Server, window, "a", false, true}, {Script, 0, "a", false, false}, {Script, 0, "a", false, true}},
		"withdrawn":                 {{Server, 0, "a", true, true}, {Script, 0, "a", false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := New()
				for i, s := range steps {
					time.Sleep(s.after)
					c, ok := table.Claim(s.by, window, "visitor", s.what)
					if ok != s.ok {
						t.Errorf("step %d: %v, want %v", i, ok, s.ok)
					}
					if s.withdraw {
						c.Withdraw()
					}
				}
			})
		})
	}
}

// TestClaimsAreBounded: of too many things the oldest are forgotten.
func TestClaimsAreBounded(t *testing.T) {
	table := New()
	for i := range size + 1 {
		table.Claim(Server, time.Hour, strconv.Itoa(i))
	}
	if n := len(table.told); n != size {
		t.Errorf("%d things are known, want %d", n, size)
	}
	if _, ok := table.Claim(Script, time.Hour, "0"); !ok {
		t.Error("the oldest is known")
	}
	if _, ok := table.Claim(Script, time.Hour, strconv.Itoa(size)); ok {
		t.Error("the newest is not known")
	}
}

// TestNoTable: without a table all is told once.
func TestNoTable(t *testing.T) {
	var table *Table
	c, ok := table.Claim(Server, time.Hour, "a")
	if !ok {
		t.Error("it was told before")
	}
	c.Withdraw()
}
