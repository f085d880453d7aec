package twice

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
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
					c, ok := table.Claim(s.by, window, fair.Who{Visitor: 1}, s.what)
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
	table.told.Buckets = 1 << 6
	theirs := fair.Who{Visitor: 1, Network: 1}
	table.Claim(Server, time.Hour, theirs, "theirs")
	const many = 2000
	for i := range uint64(many) {
		table.Claim(Server, time.Hour, fair.Who{Visitor: i * 0x9e3779b97f4a7c15, Network: 2}, strconv.FormatUint(i, 10))
	}
	known := 0
	for i := range uint64(many) {
		if _, ok := table.Claim(Script, time.Hour, fair.Who{Visitor: i * 0x9e3779b97f4a7c15, Network: 2}, strconv.FormatUint(i, 10)); !ok {
			known++
		}
	}
	if known < 50 || known > 8<<6 {
		t.Errorf("%d things of the network are known", known)
	}
	if _, ok := table.Claim(Script, time.Hour, theirs, "theirs"); ok {
		t.Error("one network had the claim of another forgotten")
	}
}

// TestWithoutTableAllIsToldOnce: without a table all is told once.
func TestWithoutTableAllIsToldOnce(t *testing.T) {
	var table *Table
	c, ok := table.Claim(Server, time.Hour, fair.Who{}, "a")
	if !ok {
		t.Error("it was told before")
	}
	c.Withdraw()
}
