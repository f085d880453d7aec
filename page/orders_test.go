package page_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/script"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/page"
)

// TestOrdersOfTwoProcesses: a page that is fetched ahead by one process (P), asked for at one
// (G), and of which one is told that it is shown (C), in every order. It never counts more often
// than it was shown. Where one process has all of it, it counts just as often.
func TestOrdersOfTwoProcesses(t *testing.T) {
	const rules = "{version: 1, goals: [{goal: SEEN, visit: '/p/**'}]}"
	stamp := regexp.MustCompile(`#(p[\w-]{10,})"`)
	for _, options := range []page.Options{{}, {SeveralProcesses: true}} {
		t.Run(fmt.Sprintf("told so %t", options.SeveralProcesses), func(t *testing.T) {
			var both [2]*bare
			var stamps [2]string
			for i := range both {
				both[i] = newBare(t, rules, options)
				m := stamp.FindStringSubmatch(both[i].serve(sender{id: world.Known}, http.MethodGet, "/goals/e/s.js", "").Body.String())
				if m == nil {
					t.Fatal("there is no stamp")
				}
				stamps[i] = m[1]
			}
			fired := func() int { return both[0].fired() + both[1].fired() }
			visitor := 0
			run := func(name string, steps []string) {
				visitor++
				who, path := sender{id: fmt.Sprintf("11111111-2222-4333-8444-%012d", visitor)}, "/p/"+strings.ReplaceAll(name, " ", "-")
				before, shown, one := fired(), 0, true
				by := -1 // the process that has answered what is shown
				asked := false
				for _, step := range steps {
					at := int(step[1] - 'a')
					one = one && step[1] == steps[0][1]
					s := both[at]
					switch step[0] {
					case 'P':
						s.serve(who, http.MethodGet, path, "", "Sec-Purpose", "prefetch", "Referer", "http://example.com/home")
						if !asked {
							by = at
						}
					case 'G':
						s.serve(who, http.MethodGet, path, "")
						by, asked = at, true
						shown++
					case 'C':
						if !asked { // the browser shows its copy
							shown++
						}
						asked = false
						s.tell(who, path, stamps[by])
					}
				}
				switch n := fired() - before; {
				case n > shown, one && !options.SeveralProcesses && n != shown:
					t.Errorf("%s: it counted %d times, and was shown %d times", name, n, shown)
				}
			}
			for _, order := range []string{"PC", "PGC", "GPC", "GCP", "PCG", "PCGC", "GC", "PPC", "PGCC", "GPCC"} {
				for places := range 1 << len(order) {
					var steps []string
					for i := range order {
						steps = append(steps, order[i:i+1]+string(rune('a'+places>>i&1)))
					}
					run(strings.Join(steps, " "), steps)
				}
			}
		})
	}
}

// TestEnvironment: processes of one site are one environment, and those of staging another.
func TestEnvironment(t *testing.T) {
	of := func(adjust ...func(*goaltrack.Config)) string {
		adjust = append(adjust, func(c *goaltrack.Config) { c.DryRun = true })
		return script.Of(world.New(t, "", http.NotFoundHandler(), func(c *goaltrack.Config) {
			c.Sites = []goaltrack.Site{{CDP: direct}}
			for _, a := range adjust {
				a(c)
			}
		}).Tracker).Environment()
	}
	own := of()
	if again := of(func(c *goaltrack.Config) { c.Bots.Deny = []string{"x"} }); again != own {
		t.Errorf("%s, and %s", own, again)
	}
	if other := of(func(c *goaltrack.Config) { c.Env = "staging" }); other == own {
		t.Error("another environment is the same")
	}
	if other := of(func(c *goaltrack.Config) {
		tenant := direct
		tenant.ClientKey = "other"
		c.Sites[0].CDP = tenant
	}); other == own {
		t.Error("another tenant is the same")
	}
}

var direct = cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}
