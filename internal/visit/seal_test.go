package visit

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/gorilla/securecookie"
)

const stranger = "eeeeeeee-2222-4333-8444-555555555555"

// seal seals a visit for the visitor with that ID.
func seal(t testing.TB, c *Cookie, v *Visit, id string) string {
	t.Helper()
	payload, _ := v.Encode(c.Room, nil)
	value, err := c.Seal(payload, id, v.Last)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// counted is a visit in which something of each scope counted.
func counted() *Visit {
	v := &Visit{Start: 29_500_000, Last: 29_500_010, Origin: Origin{Known: true, Referrer: "https://news.example/"}}
	for s := PerSession; s <= PerMonth; s++ {
		v.Add(Counted{Scope: s, Hash: uint32(s)}, false)
		v.Add(Counted{Scope: s, Hash: uint32(s) + 10}, true)
	}
	v.Reach(7, 0, v.Start*60)
	v.Happen(8, v.Last)
	return v
}

// TestVisitIsBound: a cookie is the visit of the visitor for whom it was sealed. One
// without an ID who gets one keeps their session, and nothing that could be somebody
// else's count.
func TestVisitIsBound(t *testing.T) {
	c, v := testCookie(t, 'k'), counted()
	adopted := &Visit{Start: v.Start, Last: v.Last, after: v.after, Origin: v.Origin, History: &History{Happened: []Happened{{8, 1, 1, v.Last}}}}
	for name, test := range map[string]struct {
		sealed, opens string
		want          *Visit
		anew          bool
	}{
		"its owner":                  {owner, owner, v, false},
		"another":                    {owner, stranger, nil, false},
		"nobody":                     {owner, "", nil, false},
		"of nobody":                  {"", "", v, false},
		"of nobody, and now an ID":   {"", owner, adopted, true},
		"its owner in other letters": {owner, strings.ToUpper(stranger), nil, false},
	} {
		o := c.Open([2]string{seal(t, c, v, test.sealed)}, test.opens, v.Last)
		if (o.Visit == nil) != (test.want == nil) || o.Anew != test.anew {
			t.Errorf("%s: %+v", name, o)
		} else if o.Visit != nil && shown(o.Visit) != shown(sorted(test.want)) {
			t.Errorf("%s: %s\nwant %s", name, shown(o.Visit), shown(sorted(test.want)))
		}
	}
}

// TestVisitOfAnotherFormOpensNot: the first byte, which says whose visit it is, is
// covered by the mac, and so is the name of the site.
func TestVisitOfAnotherFormOpensNot(t *testing.T) {
	c := testCookie(t, 'k')
	for _, id := range []string{"", owner} {
		_, sealed, _ := Split(seal(t, c, counted(), id))
		raw, err := base64.URLEncoding.DecodeString(sealed)
		if err != nil {
			t.Fatal(err)
		}
		for b := range 256 {
			if raw[0] == byte(b) {
				continue
			}
			other := append([]byte{byte(b)}, raw[1:]...)
			for _, as := range []string{"", owner} {
				if o := c.Open([2]string{Format(29_500_010, base64.URLEncoding.EncodeToString(other))}, as, 29_500_010); o.Visit != nil {
					t.Errorf("for %q, with the first byte %d: opens for %q", id, b, as)
				}
			}
		}
	}
	o := *c
	o.Name = "gt_00000000"
	if o.Open([2]string{seal(t, c, counted(), owner)}, owner, 29_500_010).Visit != nil {
		t.Error("it opens at another site")
	}
}

// sealOne seals as versions with format 1 did.
func sealOne(t testing.TB, c *Cookie, v *Visit, key byte) string {
	t.Helper()
	b := []byte{versionOne}
	number := func(n int64) { b = binary.AppendUvarint(b, uint64(n)) }
	number(v.Start)
	number(v.Last - v.Start)
	for s := PerSession; s <= PerDay; s++ {
		b = v.appendPlain(b, s)
	}
	number(0) // none for $source
	number(0) // no progress
	number(1) // where it came from, without parameters
	b = appendText(b, v.Origin.Referrer)
	of := []byte(strings.Repeat(string(rune(key)), 32))
	text, err := securecookie.New(of, of).MaxAge(0).SetSerializer(securecookie.NopEncoder{}).Encode(c.Name, b)
	if err != nil {
		t.Fatal(err)
	}
	return Format(v.Last, text)
}

// TestFormatOne is read for two years, by whoever has it, and has to be sealed anew.
func TestFormatOne(t *testing.T) {
	c, v := testCookie(t, 'n', 'k'), &Visit{Start: 29_500_000, Last: 29_500_010, Origin: Origin{Known: true, Referrer: "https://news.example/"}}
	v.Add(Counted{Scope: PerVisitor, Hash: 1}, false)
	v.Add(Counted{Scope: PerDay, Day: 9, Hash: 2}, false)
	value := sealOne(t, c, v, 'k')
	for _, id := range []string{"", owner} {
		o := c.Open([2]string{value}, id, 29_500_010)
		if o.Visit == nil || !o.Anew || !IsForeign(value, id) || shown(o.Visit) != shown(sorted(v)) {
			t.Errorf("%q: %+v", id, o)
		}
	}
	if c.Open([2]string{value}, owner, formOneUntil-1).Visit == nil {
		t.Error("it is not read for two years")
	}
	if c.Open([2]string{value}, owner, formOneUntil).Visit != nil {
		t.Error("it is read after two years")
	}
	_, sealed, _ := Split(seal(t, c, v, owner))
	if formOf(sealed) != formOwned {
		t.Error("it is written")
	}
	// A payload of the one format in the seal of the other.
	payload, _ := v.Encode(c.Room, nil)
	if _, err := decode(payload, true); err == nil {
		t.Error("a payload of format 2 is read as one of format 1")
	}
}

// TestSealIsShorter: a cookie is a fifth shorter or more than securecookie's own text, and
// that can be had back from it.
func TestSealIsShorter(t *testing.T) {
	c := testCookie(t, 'k')
	for _, n := range []int{1, 2, 3, 24, 100, c.Room} {
		payload := []byte(strings.Repeat("p", n))
		text, err := c.Codecs[0].Encode("x", append([]byte(nil), payload...))
		if err != nil {
			t.Fatal(err)
		}
		value, err := pack(text, owner, 29_500_000)
		if err != nil {
			t.Fatal(err)
		}
		_, sealed, _ := Split(value)
		if again, f := unpack(sealed); again != text || f != formOwned {
			t.Errorf("%d bytes: %q, want %q", n, again, text)
		}
		if len(sealed) > len(text)*5/6 || n <= sealedRoom(len(sealed)-4) || n > sealedRoom(len(sealed)) {
			t.Errorf("%d bytes: %d in place of %d, which has room for %d", n, len(sealed), len(text), sealedRoom(len(sealed)))
		}
	}
	for _, text := range []string{"", "!", "AAAA", base64.URLEncoding.EncodeToString([]byte("x|AAAA|m")), base64.URLEncoding.EncodeToString([]byte("99999999999|AAAA|m")), base64.URLEncoding.EncodeToString([]byte("1|!|m")), base64.URLEncoding.EncodeToString([]byte("1|AAAA"))} {
		if value, err := pack(text, owner, 1); err == nil {
			t.Errorf("%q is packed as %q", text, value)
		}
	}
}

// TestCodecIsSecurecookie: what the codec writes securecookie reads, and the other way
// round, also if many use it at once.
func TestCodecIsSecurecookie(t *testing.T) {
	k := Key{Hash: []byte(strings.Repeat("h", 40)), Block: []byte(strings.Repeat("b", 16))}
	plain, ours := securecookie.New(k.Hash, k.Block).SetSerializer(securecookie.NopEncoder{}), newCodec(k, 100)
	done := make(chan error)
	for range 8 {
		go func() {
			for range 200 {
				for _, way := range [][2]securecookie.Codec{{plain, ours}, {ours, plain}, {ours, ours}} {
					text, err := way[0].Encode("n", []byte("payload"))
					var got []byte
					if err == nil {
						err = way[1].Decode("n", text, &got)
					}
					if err == nil && string(got) != "payload" {
						err = errVisit
					}
					if err == nil && way[1].Decode("m", text, &got) == nil {
						err = errVisit
					}
					if err != nil {
						done <- err
						return
					}
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// FuzzUnpack: a sealed part has one form.
func FuzzUnpack(f *testing.F) {
	c := testCookie(f, 'k')
	for _, id := range []string{"", owner} {
		_, sealed, _ := Split(seal(f, c, counted(), id))
		f.Add(sealed)
	}
	_, one, _ := Split(sealOne(f, c, &Visit{Start: 1, Last: 1}, 'k'))
	f.Add(one)
	f.Add("AA==")
	f.Fuzz(func(t *testing.T, sealed string) {
		text, form := unpack(sealed)
		if formOf(sealed) != form && form != 0 {
			t.Errorf("%q: form %d, and by its beginning %d", sealed, form, formOf(sealed))
		}
		id := owner
		switch form {
		case 0:
			return
		case formOne:
			if text != sealed {
				t.Errorf("%q is read as %q", sealed, text)
			}
			return
		case formNobodys:
			id = ""
		case formOwned:
		}
		value, err := pack(text, id, 1)
		if _, again, _ := Split(value); err != nil || again != sealed {
			t.Errorf("%q is packed as %q, %v", sealed, value, err)
		}
	})
}
