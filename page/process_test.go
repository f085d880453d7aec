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
		old := before.stamp()
		time.Sleep(time.Hour)
		own, twin, alone := begin(1, true), begin(1, true), begin(0, false)
		time.Sleep(10 * time.Minute)
		late := stranger.stamp()
		forged := []byte(twin.stamp())
		if forged[12] != 'A' { // of the code
			forged[12] = 'A'
		} else {
			forged[12] = 'B'
		}
		ahead := func() string {
			p := begin(1, true)
			p.since = time.Now()
			raw, _ := base64.RawURLEncoding.DecodeString(p.stamp()[1:])
			raw[6]++ // 256 minutes from now
			return "p" + base64.RawURLEncoding.EncodeToString(append(raw[:8:8], p.code(raw[:8])...))
		}()
		for _, c := range []struct {
			name             string
			of               *process
			stamp            string
			elsewhere, first bool
		}{
			{"its own", own, own.stamp(), false, false},
			{"its own, of when it began", own, own.first, false, false},
			{"none", own, "", false, false},
			{"no stamp", own, "made up", false, false},
			{"a short one", own, own.stamp()[:10], false, false},
			{"of a process before it", own, old, true, false},
			{"of another site", own, late, true, false},
			{"made up of a genuine one", own, string(forged), true, false},
			{"of a time to come", own, ahead, true, false},
			{"without a key", alone, twin.stamp(), true, false},
			{"nothing of that is a proof", own, own.stamp(), false, false},
			{"of a process beside it", own, twin.stamp(), true, true},
			{"once more", own, twin.stamp(), true, false},
			{"its own, when there are several", own, own.stamp(), true, false},
			{"none, when there are several", own, "", true, false},
			{"without a key nothing is proved", alone, alone.stamp(), false, false},
		} {
			if elsewhere, first := c.of.met(c.stamp); elsewhere != c.elsewhere || first != c.first {
				t.Errorf("%s: %t %t, want %t %t", c.name, elsewhere, first, c.elsewhere, c.first)
			}
		}
	})
}

// TestStampStays: what stands in a site's own pages is the same from one minute to the next.
func TestStampStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p process
		p.begin([8]byte{1}, true)
		first := p.stamp()
		time.Sleep(time.Hour)
		if p.first != first || p.stamp() == first {
			t.Errorf("%s, %s, %s", first, p.first, p.stamp())
		}
	})
}
