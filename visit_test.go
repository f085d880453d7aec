package goaltrack

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// testVisits is the visit cookie of a site with those keys, of one byte each.
func testVisits(tb testing.TB, keys ...byte) *visitCookie {
	tb.Helper()
	var list []Key
	for _, k := range keys {
		list = append(list, Key{Hash: []byte(strings.Repeat(string(rune(k)), 32)), Block: []byte(strings.Repeat(string(rune(k)), 32))})
	}
	config := Config{Sites: []Site{{CDP: cdp.Direct{PointOfSale: "shop.example"}}}}.withDefaults()
	c, err := newVisitCookie(config.Sites[0], config.Cookie, list)
	if err != nil {
		tb.Fatal(err)
	}
	return &c
}

// someVisit makes a visit with something of everything.
func someVisit(random *rand.Rand, n int) *visit {
	v := &visit{start: 29_000_000 + random.Int64N(1_000_000)}
	v.last = v.start + random.Int64N(90)
	for range random.IntN(n) {
		c := counted{scope: perSession + scope(random.IntN(3)), hash: random.Uint32()}
		if c.scope == perDay {
			c.day = uint16(random.IntN(1 << 16))
		}
		v.add(c, random.IntN(2) == 0)
	}
	for range random.IntN(n/4 + 1) {
		hash := random.Uint32()
		for step := range random.IntN(maxAfter) + 1 {
			v.reach(hash, step, v.start*60+random.Int64N(maxSession*60))
		}
	}
	if random.IntN(2) == 0 {
		v.origin.known = true
		v.origin.referrer = strings.Repeat("é", random.IntN(maxOrigin/2))
		for i := range random.IntN(4) {
			v.origin.utm = append(v.origin.utm, utm{fmt.Sprint("name", i), strings.Repeat("v", random.IntN(maxOrigin))})
		}
	}
	return v
}

// sorted puts the counts in the order in which they are written.
func sorted(v *visit) *visit {
	v = v.clone()
	slices.SortStableFunc(v.plain, func(a, b counted) int { return int(a.scope) - int(b.scope) })
	return v
}

// TestVisitPayload: what is written is read again.
func TestVisitPayload(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		v := sorted(someVisit(random, 40))
		text, whole := v.encode(1<<20, nil)
		got, err := decodeVisit(text)
		if err != nil || !whole {
			t.Fatalf("%x: %v", text, err)
		}
		if got, want := fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", *v); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// TestVisitNeverGrows: whatever counts, the cookie stays within its bound, and
// of what falls out, counts without for $source are last.
func TestVisitNeverGrows(t *testing.T) {
	c := testVisits(t, 'k')
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		v := someVisit(random, 200)
		payload, whole := v.encode(c.room, nil)
		value, err := c.seal(payload, v.last)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(c.name + "=" + value + c.attributes); n > maxVisitCookie {
			t.Fatalf("the cookie has %d bytes", n)
		}
		got, err := decodeVisit(payload)
		if err != nil {
			t.Fatal(err)
		}
		if whole && len(got.plain) != len(v.plain) {
			t.Fatalf("%d plain counts are left of %d, and nothing said so", len(got.plain), len(v.plain))
		}
		if len(got.plain) < len(v.plain) && (len(got.keyed) > 0 || len(got.after) > 0 || got.origin.known) {
			t.Fatalf("plain counts fell out before others:\n%+v", got)
		}
		if n := len(got.keyed); !slices.Equal(got.keyed, v.keyed[len(v.keyed)-n:]) {
			t.Fatal("the keys that are left are not the newest")
		}
		if len(got.keyed) > 0 && fmt.Sprint(got.origin, got.after) != fmt.Sprint(v.origin, v.after) {
			t.Fatal("something else was shortened before the keys were gone")
		}
		if len(got.after) < len(v.after) && got.origin.known {
			t.Fatal("progress fell out before the origin")
		}
	}
}

// TestVisitHolds: what the documentation promises fits, at its largest, beside a
// long domain.
func TestVisitHolds(t *testing.T) {
	config := Config{Sites: []Site{{CDP: cdp.Direct{PointOfSale: "shop.example"}}}}.withDefaults()
	config.Cookie.Domain = strings.Repeat("a", 30) + "." + strings.Repeat("b", 29)
	c, err := newVisitCookie(config.Sites[0], config.Cookie, []Key{newKey()})
	if err != nil {
		t.Fatal(err)
	}
	if c.room < memoryRoom {
		t.Errorf("the cookie has room for %d bytes, memory keeps %d", c.room, memoryRoom)
	}
	v := &visit{start: 40_000_000, last: 40_000_000 + maxSession - 1}
	for i := range maxPlain {
		v.add(counted{perDay, 60_000, uint32(i)}, false)
	}
	for i := range maxSteps { // the most that as many steps can take: each of an after: of its own
		v.reach(uint32(i), 0, v.start*60+maxSession*60-1)
	}
	if n := len(v.append(nil)); n > memoryRoom {
		t.Errorf("that takes %d bytes, of %d", n, memoryRoom)
	}
	for i := range 1000 {
		v.add(counted{perVisitor, 0, uint32(1000 + i)}, true)
	}
	v.origin = origin{known: true, referrer: strings.Repeat("r", maxOrigin)}
	payload, whole := v.encode(c.room, nil)
	got, err := decodeVisit(payload)
	if err != nil || !whole || !slices.Equal(got.plain, v.plain) || len(got.after) != maxSteps {
		t.Errorf("%d counts and %d steps are left, %v", len(got.plain), len(got.after), err)
	}
}

// TestVisitForgetsGoalsOfOtherRules: where there is no room for a count, those
// that no rule knows any more make it.
func TestVisitForgetsGoalsOfOtherRules(t *testing.T) {
	v := &visit{start: 29_000_000, last: 29_000_000}
	for i := range 200 {
		v.add(counted{perVisitor, 0, uint32(i)}, false)
	}
	payload, whole := v.encode(memoryRoom, map[uint32]bool{7: true, 199: true})
	got, err := decodeVisit(payload)
	if err != nil || !whole || len(got.plain) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	payload, whole = v.encode(memoryRoom, nil)
	if got, err = decodeVisit(payload); err != nil || whole || !slices.Equal(got.plain, v.plain[:len(got.plain)]) || len(got.plain) < 60 {
		t.Errorf("%d are left, %v", len(got.plain), err)
	}
}

// TestVisitMutation: any one character of a cookie changed, the cookie is the
// same visit or none.
func TestVisitMutation(t *testing.T) {
	c := testVisits(t, 'k')
	v := &visit{start: 29_500_000, last: 29_500_010}
	v.add(counted{perSession, 0, 1}, false)
	v.add(counted{perVisitor, 0, 2}, true)
	payload, _ := v.encode(c.room, nil)
	value, err := c.seal(payload, v.last)
	if err != nil {
		t.Fatal(err)
	}
	same, tried := 0, 0
	for i := range len(value) {
		for b := byte(0x21); b < 0x7f; b++ {
			if b == value[i] || strings.IndexByte(`",;\`, b) >= 0 { // no cookie-octets (RFC 6265, section 4.1.1)
				continue
			}
			tried++
			changed := value[:i] + string(rune(b)) + value[i+1:]
			got, _, _ := c.open(c.find(http.Header{"Cookie": {c.name + "=" + changed}}), v.last)
			if got == nil {
				continue
			}
			same++
			if got.last = v.last; !reflect.DeepEqual(sorted(got), sorted(v)) {
				t.Fatalf("%s opens as %+v", changed, got)
			}
			if i > strings.IndexByte(value, '.') {
				t.Errorf("a second form of the seal opens: %s", changed)
			}
		}
	}
	if tried < 10_000 || same == 0 || same > 8*9 {
		t.Errorf("of %d changes %d open", tried, same)
	}
}

// TestVisitMinute: what a forged minute can do.
func TestVisitMinute(t *testing.T) {
	c := testVisits(t, 'k')
	const now = 29_500_000
	for name, test := range map[string]struct {
		start, sealed, minute int64
		alive                 bool
	}{
		"as it was set":          {now - 100, now - 7, now - 2, true},
		"a long pause":           {now - 100, now - 60, now - 30, false},
		"a minute less":          {now - 100, now - 60, now - 29, true},
		"set back":               {now - 100, now - 7, now - 1000, true}, // the seal knows better
		"of another clock":       {now - 100, now - 60, now + 5, true},
		"in the future":          {now - 100, now - 60, now + 6, false},
		"far in the future":      {now - 100, now - 60, 999_999_999, false},
		"of yesterday's session": {now - maxSession, now - maxSession, now, false},
		"of a session of 24 h":   {now - maxSession + 1, now - maxSession + 1, now, true},
	} {
		payload, _ := (&visit{start: test.start, last: test.sealed}).encode(c.room, nil)
		value, err := c.seal(payload, test.minute)
		if err != nil {
			t.Fatal(err)
		}
		v, _, _ := c.open([2]string{value}, now)
		if v == nil || c.alive(v, now) != test.alive {
			t.Errorf("%s: %+v, want alive %t", name, v, test.alive)
		}
	}
}

// TestVisitCookieForms: what is no value is left alone, without cryptography.
func TestVisitCookieForms(t *testing.T) {
	c := testVisits(t, 'k')
	for _, value := range []string{
		"", ".", "29500000", "29500000.", "029500000.AAAA", "+29500000.AAAA", "2950000 .AAAA", "0.AAAA", "-1.AAAA", "2950000000.AAAA",
		"29500000.AAA", "29500000.AA==\n", ".AAAA", "29500000.!!!!", "29500000." + strings.Repeat("A", maxVisitCookie), "undefined",
	} {
		if v, _, _ := c.open([2]string{value}, 29_500_000); v != nil {
			t.Errorf("%q opens", value)
		}
	}
	for _, sealed := range []string{"AB==", "AAB=", "AA==AAAA", "AA\nAA", "A\r==", "AA+/", "\u00e9AA"} {
		if isCanonical(sealed) {
			t.Errorf("%q is taken for canonical", sealed)
		}
	}
}

// TestVisitOfTwoCookies: the first that opens is the visit.
func TestVisitOfTwoCookies(t *testing.T) {
	c, other := testVisits(t, 'k'), testVisits(t, 'o')
	const now = 29_500_000
	value := func(c *visitCookie, start int64) string {
		payload, _ := (&visit{start: start, last: start}).encode(c.room, nil)
		s, err := c.seal(payload, now)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for name, test := range map[string]struct {
		values []string
		start  int64 // 0: none opens
	}{
		"both open":          {[]string{value(c, now-1), value(c, now-2)}, now - 1},
		"the second opens":   {[]string{value(other, now-1), value(c, now-2)}, now - 2},
		"junk before it":     {[]string{"undefined", "1.2", value(c, now-2)}, now - 2},
		"neither opens":      {[]string{value(other, now-1), value(other, now-2)}, 0},
		"of another name":    {[]string{"x; gt_00000000=" + value(c, now-1)}, 0},
		"no more than two":   {[]string{value(other, now-1), value(other, now-2), value(c, now-3)}, 0},
		"in another's place": {[]string{value(c, now-1) + "; x=" + value(c, now-2)}, now - 1},
	} {
		header := http.Header{}
		for _, v := range test.values {
			header.Add("Cookie", c.name+"="+v)
		}
		v, came, _ := c.open(c.find(header), now)
		if (v == nil) != (test.start == 0) || v != nil && (v.start != test.start || came == "") {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestVisitKeys: a new key reads nothing of the old one unless that is there,
// too; and it is the first that seals.
func TestVisitKeys(t *testing.T) {
	both, turned, former, latter := testVisits(t, '1', '2'), testVisits(t, '2', '1'), testVisits(t, '1'), testVisits(t, '2')
	payload, _ := (&visit{start: 29_500_000, last: 29_500_000}).encode(both.room, nil)
	for name, test := range map[string]struct {
		seals, opens *visitCookie
		key          int // -1: none
	}{
		"reader first":     {former, both, 0},
		"what it writes":   {both, former, 0},
		"too early":        {both, latter, -1},
		"writer":           {turned, both, 1},
		"the former still": {both, turned, 1},
		"the former gone":  {turned, latter, 0},
	} {
		value, err := test.seals.seal(payload, 29_500_000)
		if err != nil {
			t.Fatal(err)
		}
		v, _, key := test.opens.open([2]string{value}, 29_500_000)
		if v == nil {
			key = -1
		}
		if key != test.key {
			t.Errorf("%s: opened with key %d, want %d", name, key, test.key)
		}
	}
}

// TestVisitAge: the seal holds as long as the cookie, not the 30 days that are
// securecookie's own limit.
func TestVisitAge(t *testing.T) {
	for name, age := range map[string]time.Duration{"the default": 730 * 24 * time.Hour, "shorter": 90 * 24 * time.Hour} {
		config := Config{Sites: []Site{{CDP: cdp.Direct{PointOfSale: "shop.example"}}}, Cookie: Cookie{MaxAge: age}}.withDefaults()
		c, err := newVisitCookie(config.Sites[0], config.Cookie, []Key{newKey()})
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("; Max-Age=%d;", int64(min(age, 400*24*time.Hour).Seconds()))
		if !strings.HasPrefix(c.attributes, want) {
			t.Errorf("%s: %s, want %s", name, c.attributes, want)
		}
	}
}

func FuzzDecodeVisit(f *testing.F) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 5 {
		text, _ := someVisit(random, 10).encode(memoryRoom, nil)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := decodeVisit(text)
		if err != nil {
			return
		}
		if again := v.append(nil); string(again) != string(text) {
			t.Errorf("%x is read and written as %x", text, again)
		}
		v.encode(64, nil)
	})
}

func FuzzVisitCookie(f *testing.F) {
	c := testVisits(f, 'k')
	payload, _ := (&visit{start: 29_500_000, last: 29_500_000}).encode(c.room, nil)
	value, err := c.seal(payload, 29_500_000)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.name + "=" + value)
	f.Add(c.name + "=29500000.AAAA; " + c.name + "=" + value)
	f.Fuzz(func(t *testing.T, header string) {
		values := c.find(http.Header{"Cookie": {header}})
		v, came, _ := c.open(values, 29_500_000)
		if v == nil {
			return
		}
		minute, sealed, ok := splitVisit(came)
		if !ok || formatVisit(minute, sealed) != came || !isCanonical(sealed) || v.start != 29_500_000 || len(v.plain)+len(v.keyed)+len(v.after) > 0 {
			t.Errorf("%q opens as %+v", header, v)
		}
	})
}
