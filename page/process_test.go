package page

import (
	"encoding/base64"
	"testing"
	"testing/synctest"
	"time"
)

// TestStamps: a process knows its own stamps, and takes another's for a proof only if that
// is genuine and of a time at which it was at work itself.
func TestStamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := func(key byte, keyed bool) *process {
			p := new(process)
			p.begin([8]byte{key}, keyed)
			return p
		}
		before, stranger := begin(1, true), begin(2, true)
		old := before.now()
		time.Sleep(time.Hour)
		own, twin, other, alone := begin(1, true), begin(1, true), begin(1, true), begin(0, false)
		first := twin.stamp(host, twin.steady())
		time.Sleep(10 * time.Minute)
		late := stranger.now()
		forged := []byte(twin.now())
		if forged[12] != 'A' { // of the code
			forged[12] = 'A'
		} else {
			forged[12] = 'B'
		}
		ahead := func() string {
			p := begin(1, true)
			p.since = time.Now()
			raw, _ := base64.RawURLEncoding.DecodeString(p.now()[1:])
			raw[6]++ // 256 minutes from now
			return "p" + base64.RawURLEncoding.EncodeToString(append(raw[:8:8], p.code(raw[:8], host)...))
		}()
		for _, c := range []struct {
			name           string
			of             *process
			stamp          string
			another, first bool
		}{
			{"its own", own, own.now(), false, false},
			{"its own, of when it began", own, own.stamp(host, own.steady()), false, false},
			{"none", own, "", false, false},
			{"no stamp", own, "made up", false, false},
			{"a short one", own, own.now()[:10], false, false},
			{"of a process before it", own, old, true, false},
			{"of another site", own, late, true, false},
			{"made up of a genuine one", own, string(forged), true, false},
			{"of a time to come", own, ahead, true, false},
			{"without a key", alone, twin.now(), true, false},
			{"of one that began with it, as it was then", own, first, true, false},
			{"of another host", own, twin.stamp("staging.example", time.Now()), true, false},
			{"of a process beside it, in a page", own, twin.stamp("SHOP.example", twin.steady()), true, true},
			{"of it once more", own, twin.now(), true, false},
			{"of a process beside it, in its loader", other, twin.now(), true, true},
			{"its own, when there are several", own, own.now(), false, false},
			{"without a key nothing is proved", alone, alone.now(), false, false},
		} {
			if another, first := c.of.met(c.stamp, host); another != c.another || first != c.first {
				t.Errorf("%s: %t %t, want %t %t", c.name, another, first, c.another, c.first)
			}
		}
	})
}

// host is the site's.
const host = "shop.example"

// now is the stamp of a process for the site's host, at this time.
func (p *process) now() string { return p.stamp(host, time.Now()) }

// TestStampStays: what stands in a site's own pages is the same for an hour, but for once soon
// after the start.
func TestStampStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p process
		p.begin([8]byte{1}, true)
		stamps := map[string]int{}
		for range 3 * 60 {
			stamps[p.stamp(host, p.steady())]++
			time.Sleep(time.Minute)
		}
		if len(stamps) != 4 {
			t.Errorf("%d stamps in three hours, want one for five minutes, and one an hour: %v", len(stamps), stamps)
		}
	})
}
