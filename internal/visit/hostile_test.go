package visit

import (
	"slices"
	"strings"
	"testing"
)

// TestHostilePayloads: what nobody here wrote is no visit, whatever numbers it has, even if
// somebody has the key. Nothing is made as large as they say.
func TestHostilePayloads(t *testing.T) {
	head := func(bits ...byte) []byte { return append([]byte{version, 0, 0}, bits...) }
	if _, err := Decode(head(0)); err != nil {
		t.Fatal(err)
	}
	full := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}
	for name, text := range map[string][]byte{
		"nothing":                      nil,
		"another version":              {3, 0, 0, 0},
		"cut off":                      {version, 0},
		"a number without an end":      {version, 0x80, 0x80},
		"a number that is too long":    slices.Concat([]byte{version}, full, []byte{0x01}),
		"a beginning in no calendar":   slices.Concat([]byte{version}, full, []byte{0, 0}),
		"a number in two forms":        {version, 0x80, 0, 0, 0},
		"bits of a newer version":      head(0x80, 0x80, 2),
		"a section that is empty":      head(sectionSession, 0),
		"more goals than bytes":        head(sectionSession, 2, 0, 0, 0, 0),
		"goals without an end":         slices.Concat(head(sectionSession), full, []byte{0, 0, 0, 0}),
		"a count of no scope":          head(sectionKeyed, 1, byte(PerRequest), 0, 0, 0, 0),
		"a count of a later scope":     head(sectionKeyed, 1, byte(PerMonth)+1, 0, 0, 0, 0),
		"progress without its hash":    head(sectionAfter, 1, 0, 0, 0),
		"more progress than bytes":     head(sectionAfter, 1, 0, 0, 0, 1, 9, 0),
		"a text that is cut off":       head(sectionOrigin, 0, 9, 'a'),
		"a text without an end":        slices.Concat(head(sectionOrigin, 0), full),
		"sessions beyond 32 bits":      slices.Concat(head(sectionNumbers), full, []byte{0}),
		"more goals than there may":    slices.Concat(head(0x80, 1, MaxHappened+1), make([]byte, 7*(MaxHappened+1))),
		"a larger cart than may be":    slices.Concat(head(0x80, 8, MaxCart+1), make([]byte, 4*(MaxCart+1))),
		"more variants than there may": slices.Concat(head(0x80, 4, MaxShown+1), make([]byte, 2*(MaxShown+1))),
		"a cut in no calendar":         slices.Concat(head(0x80, 0x80, 1), full),
		"more behind it":               head(0, 0),
	} {
		if v, err := Decode(text); err == nil {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestNoRoom: a visit for which there is no room at all is nothing, and says so.
func TestNoRoom(t *testing.T) {
	v := &Visit{Start: 29_500_000, Last: 29_500_000, History: &History{Visits: 3, CartTurn: 1}}
	if text, whole := v.Encode(0, nil); text != nil || whole {
		t.Errorf("%x, whole %t", text, whole)
	}
	bare, _ := (&Visit{Start: v.Start, Last: v.Last}).Encode(1<<10, nil)
	if text, _ := v.Encode(len(bare), nil); string(text) != string(bare) {
		t.Errorf("%x, want %x", text, bare)
	}
	if ever, session := (&Visit{}).Times(Often{Hash: 7}); ever|session != 0 {
		t.Errorf("a visit without a history has %d and %d", ever, session)
	}
}

// TestWhatIsNotSealed: a cookie of which not even the form can be read is not foreign, and opens
// for nobody. A payload that no cookie can hold is not sealed.
func TestWhatIsNotSealed(t *testing.T) {
	c := testCookie(t, 'k')
	for _, value := range []string{"", "x", "29500000.", "29500000.ab", "29500000.!!!!", "29500000.AAAAA", "29500000." + strings.Repeat("A", 5000)} {
		if IsForeign(value, owner) {
			t.Errorf("%.20q is foreign", value)
		}
		if o := c.Open([2]string{value}, owner, 29_500_000); o.Visit != nil {
			t.Errorf("%.20q opens as %+v", value, o)
		}
	}
	strange, err := c.Seal([]byte{3, 0, 0, 0}, owner, 29_500_000) // by a newer version
	if err != nil {
		t.Fatal(err)
	}
	if o := c.Open([2]string{strange}, owner, 29_500_000); o.Visit != nil {
		t.Errorf("a visit of another version opens as %+v", o)
	}
	if value, err := c.Seal(make([]byte, 1<<20), owner, 29_500_000); err == nil {
		t.Errorf("a cookie of %d bytes", len(value))
	}
}
