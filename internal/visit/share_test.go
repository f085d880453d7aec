package visit

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// hostOf makes the visit cookies of n sites.
func hostOf(t *testing.T, n int) (sites []*Cookie) {
	t.Helper()
	for i := range n {
		o := usual
		o.Site = fmt.Sprint("site ", i)
		c, err := NewCookie(o, []Key{{Hash: make([]byte, 32), Block: make([]byte, 32)}})
		if err != nil {
			t.Fatal(err)
		}
		sites = append(sites, &c)
	}
	return sites
}

// TestSitesShare: however many sites of a host a visitor goes to, and whatever counts
// there, the cookies of all of them take less than 2 KiB of a header. What a visitor
// did last is what stays.
func TestSitesShare(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	for _, n := range []int{1, 2, 3, 5, 12, 40} {
		sites, jar := hostOf(t, n), map[string]string{}
		for step := range 60 {
			now := int64(29_500_000 + step)
			c := sites[random.IntN(n)]
			var beside []Beside
			for _, o := range sites {
				if o != c && jar[o.Name] != "" {
					beside = append(beside, Beside{Cookie: o, Values: [2]string{jar[o.Name]}, From: owner, To: owner})
				}
			}
			v := c.Open([2]string{jar[c.Name]}, owner, now).Visit
			if v == nil {
				v = &Visit{Start: now}
			}
			v.Last = now
			for range random.IntN(40) {
				v.Add(Counted{Scope: PerVisitor, Hash: random.Uint32()}, true)
			}
			v.Add(Counted{Scope: PerVisitor, Hash: uint32(step)}, false)
			payload, _ := v.Encode(c.Room, nil)
			room, changes := Share(c, len(payload), beside, now)
			payload, _ = v.Encode(room, nil)
			var err error
			if jar[c.Name], err = c.Seal(payload, owner, now); err != nil {
				t.Fatal(err)
			}
			for _, change := range changes {
				if jar[change.Name] = change.Value; change.Value == "" {
					delete(jar, change.Name)
				}
			}
			size := 0
			for name, value := range jar {
				size += len(name) + len(value) + len("=; ")
			}
			if size > maxTogether {
				t.Fatalf("%d sites, step %d: %d cookies take %d bytes", n, step, len(jar), size)
			}
			o := c.Open([2]string{jar[c.Name]}, owner, now)
			if o.Visit == nil || !o.Has(Counted{Scope: PerVisitor, Hash: uint32(step)}) {
				t.Fatalf("%d sites, step %d: what counted now is not there", n, step)
			}
		}
		if want := min(n, 11); len(jar) < want {
			t.Errorf("of %d sites, %d are remembered", n, len(jar))
		}
	}
}

// TestSitesShareForANewID: the cookies of other sites are sealed for the ID that the
// visitor has from now on, and none that is not theirs.
func TestSitesShareForANewID(t *testing.T) {
	sites := hostOf(t, 3)
	of := func(c *Cookie, id string) Beside {
		return Beside{Cookie: c, Values: [2]string{seal(t, c, counted(), id)}, From: owner, To: stranger}
	}
	room, changes := Share(sites[0], 10, []Beside{of(sites[1], owner), of(sites[2], "somebody else's")}, 29_500_020)
	if room != sites[0].Room || len(changes) != 1 || changes[0].Name != sites[1].Name {
		t.Fatalf("room %d, %d changes", room, len(changes))
	}
	if o := sites[1].Open([2]string{changes[0].Value}, stranger, 29_500_020); o.Visit == nil || o.Last != 29_500_010 || shown(o.Visit) != shown(sorted(counted())) {
		t.Errorf("%+v", o)
	}
}
