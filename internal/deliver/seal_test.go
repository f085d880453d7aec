package deliver

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/atrest"
	"github.com/goaltrack/goaltrack/queue"
)

func secretOf(letter string) atrest.Secret {
	return atrest.Secret{Hash: []byte(strings.Repeat(letter, 32)), Block: []byte(strings.Repeat(letter, 16))}
}

func sealOf(t testing.TB, letters string) *Seal {
	t.Helper()
	var secrets []atrest.Secret
	for _, l := range letters {
		secrets = append(secrets, secretOf(string(l)))
	}
	s, err := NewSeal(secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// identityItem is an IDENTITY as it is offered.
func identityItem(visitor int, email string) queue.Item {
	e := cdp.Identity{Identifiers: []cdp.Identifier{{ID: email, Provider: "email"}}, Email: email}.Event()
	e.BrowserID, e.Channel, e.Language = visitorID(visitor), "WEB", "EN"
	head := Envelope{Site: "shop", Goal: "LOGGED_IN", UserAgent: "Firefox of Ann", Private: true}
	return queue.Item{Body: e.AppendJSON(head.AppendHead(nil), cdp.Direct{ClientKey: "k", PointOfSale: "p"}), Key: visitorID(visitor), Time: time.Now()}
}

// TestSealHidesPeople: what is sealed can be read by whoever has a key, and shows nobody
// else more than site, goal and type.
func TestSealHidesPeople(t *testing.T) {
	plain := identityItem(1, "ann@example.com")
	want, err := ParseEnvelope(plain.Body)
	if err != nil {
		t.Fatal(err)
	}
	items := []queue.Item{plain, {Body: testEvent("shop", "A", visitorID(1))}, {Body: []byte("of another program")}}
	before := [][]byte{bytes.Clone(items[1].Body), items[2].Body}
	sealOf(t, "a").Mark(items)
	if !items[0].Private || items[1].Private || items[2].Private || !bytes.Equal(items[1].Body, before[0]) || !bytes.Equal(items[2].Body, before[1]) {
		t.Fatalf("%+v", items)
	}
	for _, secret := range []string{"ann@example.com", "Firefox", visitorID(1), "identifiers"} {
		if bytes.Contains(items[0].Body, []byte(secret)) {
			t.Errorf("%q can be read in %q", secret, items[0].Body)
		}
	}
	sealed, err := ParseEnvelope(items[0].Body)
	if err != nil || !sealed.Sealed() || sealed.Site != "shop" || sealed.Goal != "LOGGED_IN" || sealed.EventType() != "IDENTITY" || sealed.BrowserID() != "" {
		t.Fatalf("%+v, %v", sealed, err)
	}
	for keys, opens := range map[string]bool{"a": true, "ba": true, "cba": true, "b": false, "": false} {
		got := sealed
		switch err := sealOf(t, keys).Open(&got); {
		case opens && (err != nil || !bytes.Equal(got.body, want.body) || got.UserAgent != want.UserAgent):
			t.Errorf("with %q: %v, %+v", keys, err, got)
		case !opens && (err == nil || !reflect.DeepEqual(got, sealed)):
			t.Errorf("with %q it is opened: %+v", keys, got)
		}
	}
	again := identityItem(1, "ann@example.com")
	sealOf(t, "a").Mark([]queue.Item{again})
	if bytes.Equal(again.Body, items[0].Body) {
		t.Error("the same event is sealed in the same way")
	}
	// A second time changes nothing, and another's ID cannot be put into it.
	twice := []queue.Item{{Body: bytes.Clone(items[0].Body)}}
	sealOf(t, "a").Mark(twice)
	if !bytes.Equal(twice[0].Body, items[0].Body) {
		t.Error("it is sealed twice")
	}
	if _, err := WithBrowserID(items[0].Body, visitorID(2)); err == nil {
		t.Error("a sealed event got another ID")
	}
}

// TestSealNoticesChanges: no changed bit is opened, and neither is what stands before it
// in another event.
func TestSealNoticesChanges(t *testing.T) {
	items := []queue.Item{identityItem(1, "ann@example.com")}
	seal := sealOf(t, "a")
	seal.Mark(items)
	good := items[0].Body
	for i := range len(good) * 8 {
		if i/8 == 1 && i%8 > 5 {
			continue // flags that no version has
		}
		b := bytes.Clone(good)
		b[i/8] ^= 1 << (i % 8)
		if e, err := ParseEnvelope(b); err == nil && e.Sealed() && seal.Open(&e) == nil && b[1]&flagAwaited == 0 {
			t.Errorf("bit %d of byte %d: %+v", i%8, i/8, e)
		}
	}
	other := bytes.Replace(good, []byte("shop"), []byte("shoq"), 1)
	if e, err := ParseEnvelope(other); err != nil || seal.Open(&e) == nil {
		t.Errorf("another site's: %+v, %v", e, err)
	}
}

// TestSealedAreDelivered: those of a key that is known, also of an old one. The others are
// dead letters under a name, the log says so, and they can be sent again with the key.
func TestSealedAreDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.NewMemory(100, 1<<20)
		r := newRigOn(t, q, Options{Seal: sealOf(t, "ba")}, nil)
		for visitor, keys := range []string{"a", "b", "c", "c"} {
			items := []queue.Item{identityItem(visitor, "ann@example.com")}
			sealOf(t, keys).Mark(items)
			r.offerItem(items[0])
		}
		r.settle()
		r.wantDelivered(2)
		r.wantDead(map[string]uint64{"key_unknown": 2})
		for _, c := range r.cdp().of("IDENTITY") {
			if c.body["email"] != "ann@example.com" || c.id == "" {
				t.Errorf("it was sent as %v", c.body)
			}
		}
		synctest.Wait()
		if n := r.logs.Count("WARN " + logLocked); n != 1 {
			t.Errorf("%d lines about the key: %q", n, r.logs.Lines())
		}
		for _, l := range q.Letters() {
			if !l.Private || l.Reason != "key_unknown" {
				t.Errorf("%+v", l)
			}
		}
	})
}

// FuzzSealed opens what nobody has sealed.
func FuzzSealed(f *testing.F) {
	seal := sealOf(f, "a")
	items := []queue.Item{identityItem(1, "ann@example.com")}
	seal.Mark(items)
	f.Add(items[0].Body)
	f.Add(append(items[0].Body[:2:2], 0, 0, 0))
	f.Add([]byte{envelopeVersion, flagSealed | flagAwaited, 1, 'a', 1, 'b', 1, 'c'})
	f.Fuzz(func(_ *testing.T, b []byte) {
		e, err := ParseEnvelope(b)
		if err != nil || !e.Sealed() {
			return
		}
		e.setBrowserIDIfOpen(seal)
	})
}

func (e *Envelope) setBrowserIDIfOpen(seal *Seal) {
	if seal.Open(e) == nil {
		e.setBrowserID(visitorID(1))
	}
}
