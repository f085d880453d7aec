package visit

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/web"
)

// usual are the options of a site without settings of its own.
var usual = Options{Site: "shop.example", Path: "/", MaxAge: 730 * 24 * time.Hour, Session: 30 * time.Minute}

// owner is the browser ID of the visitor whose visits they are.
const owner = "11111111-2222-4333-8444-555555555555"

// testCookie is the visit cookie of a site with those keys, of one byte each.
func testCookie(tb testing.TB, keys ...byte) *Cookie {
	tb.Helper()
	var list []Key
	for _, k := range keys {
		list = append(list, Key{Hash: []byte(strings.Repeat(string(rune(k)), 32)), Block: []byte(strings.Repeat(string(rune(k)), 32))})
	}
	c, err := NewCookie(usual, list)
	if err != nil {
		tb.Fatal(err)
	}
	return &c
}

// someVisit makes a visit with something of everything.
func someVisit(random *rand.Rand, n int) *Visit {
	v := &Visit{Start: 29_000_000 + random.Int64N(1_000_000)}
	v.Last = v.Start + random.Int64N(90)
	for range random.IntN(n) {
		c := Counted{Scope: PerSession + Scope(random.IntN(5)), Hash: random.Uint32()}
		if c.Scope >= PerDay {
			c.Day = uint16(random.IntN(1 << 16))
		}
		v.Add(c, random.IntN(2) == 0)
	}
	for range random.IntN(n/4 + 1) {
		hash := random.Uint32()
		for step := range random.IntN(10) + 1 {
			v.Reach(hash, step, v.Start*60+random.Int64N(MaxSession*60))
		}
	}
	if random.IntN(2) == 0 {
		v.Origin.Known = true
		v.Origin.Referrer = strings.Repeat("é", random.IntN(MaxOrigin/2))
		for i := range random.IntN(4) {
			v.Origin.UTM = append(v.Origin.UTM, UTM{fmt.Sprint("name", i), strings.Repeat("v", random.IntN(MaxOrigin))})
		}
	}
	if random.IntN(2) == 0 {
		v.History = someHistory(random, v.Start)
	}
	return v
}

// someHistory makes one with some of everything.
func someHistory(random *rand.Rand, start int64) *History {
	v := &Visit{History: &History{Visits: random.Uint32N(400), Pages: 1 + random.Uint32N(9)}}
	for range random.IntN(MaxHappened + 3) {
		v.Happen(random.Uint32N(100), start+random.Int64N(90))
	}
	for i := range random.IntN(MaxShown + 3) {
		v.Show(Variant{fmt.Sprint("component", i), strings.Repeat("v", random.IntN(MaxVariant+9))})
	}
	for range random.IntN(MaxCart + 3) {
		v.Put(random.Uint32())
	}
	if random.IntN(2) == 0 {
		v.CameFirst(Origin{Known: true, UTM: []UTM{{"campaign", "spring"}}, Referrer: "https://news.example/"}, start-random.Int64N(1000),
			&Needs{FirstUTM: []string{"campaign", "source"}, FirstReferrer: true})
	}
	return v.History
}

// sorted puts the counts in the order in which they are written.
func sorted(v *Visit) *Visit {
	v = v.Clone()
	slices.SortStableFunc(v.plain, func(a, b Counted) int { return int(a.Scope) - int(b.Scope) })
	return v
}

// shown is a visit as a text, with what its history points to.
func shown(v *Visit) string {
	c := *v
	c.History = nil
	return fmt.Sprintf("%+v %+v", c, v.History)
}

// TestVisitPayload: what is written is read again.
func TestVisitPayload(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		v := sorted(someVisit(random, 40))
		text, whole := v.Encode(1<<20, nil)
		got, err := decode(text, false)
		if err != nil || !whole {
			t.Fatalf("%x: %v", text, err)
		}
		if got, want := shown(got), shown(v); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
}

// TestVisitNeverGrows: whatever counts, the cookie stays within its bound, and
// of what falls out, counts without for $source are last.
func TestVisitNeverGrows(t *testing.T) {
	c := testCookie(t, 'k')
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		v := someVisit(random, 200)
		payload, whole := v.Encode(c.Room, nil)
		value, err := c.Seal(payload, owner, v.Last)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(c.Name + "=" + value + c.attributes); n > maxCookie {
			t.Fatalf("the cookie has %d bytes", n)
		}
		got, err := decode(payload, false)
		if err != nil {
			t.Fatal(err)
		}
		if whole && len(got.plain) != len(v.plain) {
			t.Fatalf("%d plain counts are left of %d, and nothing said so", len(got.plain), len(v.plain))
		}
		if len(got.plain) < len(v.plain) && (len(got.keyed) > 0 || len(got.after) > 0 || got.Origin.Known) {
			t.Fatalf("plain counts fell out before others:\n%+v", got)
		}
		if n := len(got.keyed); !slices.Equal(got.keyed, v.keyed[len(v.keyed)-n:]) {
			t.Fatal("the keys that are left are not the newest")
		}
		if len(got.keyed) > 0 && fmt.Sprint(got.Origin, got.after) != fmt.Sprint(v.Origin, v.after) {
			t.Fatal("something else was shortened before the keys were gone")
		}
		if len(got.after) < len(v.after) && got.Origin.Known {
			t.Fatal("progress fell out before the origin")
		}
	}
}

// TestVisitHolds: what the documentation promises fits, at its largest, beside a
// long domain.
func TestVisitHolds(t *testing.T) {
	o := usual
	o.Domain = strings.Repeat("a", 30) + "." + strings.Repeat("b", 29)
	c, err := NewCookie(o, []Key{NewKey()})
	if err != nil {
		t.Fatal(err)
	}
	if c.Room < MemoryRoom {
		t.Errorf("the cookie has room for %d bytes, memory keeps %d", c.Room, MemoryRoom)
	}
	v := &Visit{Start: 40_000_000, Last: 40_000_000 + MaxSession - 1}
	for i := range MaxPlain {
		v.Add(Counted{PerDay, 60_000, uint32(i)}, false)
	}
	for i := range MaxSteps { // the most that as many steps can take: each of an after: of its own
		v.Reach(uint32(i), 0, v.Start*60+MaxSession*60-1)
	}
	for i := range MaxCart {
		v.Put(uint32(i))
	}
	v.History.Visits, v.History.Pages = 1000, 1000
	if n := len(v.append(nil)); n > MemoryRoom {
		t.Errorf("that takes %d bytes, of %d", n, MemoryRoom)
	}
	for i := range 1000 {
		v.Add(Counted{PerVisitor, 0, uint32(1000 + i)}, true)
	}
	v.Origin = Origin{Known: true, Referrer: strings.Repeat("r", MaxOrigin)}
	payload, whole := v.Encode(c.Room, nil)
	got, err := decode(payload, false)
	if err != nil || !whole || !slices.Equal(got.plain, v.plain) || len(got.after) != MaxSteps || got.History == nil || len(got.History.Cart) != MaxCart {
		t.Errorf("%d counts and %d steps are left, %v", len(got.plain), len(got.after), err)
	}
}

// TestVisitForgetsGoalsOfOtherRules: where there is no room for a count, those
// that no rule knows any more make it.
func TestVisitForgetsGoalsOfOtherRules(t *testing.T) {
	v := &Visit{Start: 29_000_000, Last: 29_000_000}
	for i := range 200 {
		v.Add(Counted{PerVisitor, 0, uint32(i)}, false)
	}
	payload, whole := v.Encode(MemoryRoom, &Needs{Once: map[uint32]bool{7: true, 199: true}})
	got, err := decode(payload, false)
	if err != nil || !whole || len(got.plain) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	payload, whole = v.Encode(MemoryRoom, nil)
	if got, err = decode(payload, false); err != nil || whole || !slices.Equal(got.plain, v.plain[:len(got.plain)]) || len(got.plain) < 60 {
		t.Errorf("%d are left, %v", len(got.plain), err)
	}
}

// TestVisitMutation: any one character of a cookie changed, the cookie is the
// same visit or none.
func TestVisitMutation(t *testing.T) {
	c := testCookie(t, 'k')
	v := &Visit{Start: 29_500_000, Last: 29_500_010}
	v.Add(Counted{PerSession, 0, 1}, false)
	v.Add(Counted{PerVisitor, 0, 2}, true)
	payload, _ := v.Encode(c.Room, nil)
	value, err := c.Seal(payload, owner, v.Last)
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
			got := c.Open(c.Find(web.Cookies{c.Name + "=" + changed}), owner, v.Last).Visit
			if got == nil {
				continue
			}
			same++
			if got.Last = v.Last; !reflect.DeepEqual(sorted(got), sorted(v)) {
				t.Fatalf("%s opens as %+v", changed, got)
			}
			if i > strings.IndexByte(value, '.') {
				t.Errorf("a second form of the seal opens: %s", changed)
			}
		}
	}
	if tried < 9_000 || same == 0 || same > 8*9 {
		t.Errorf("of %d changes %d open", tried, same)
	}
}

// TestVisitMinute: what a forged minute can do.
func TestVisitMinute(t *testing.T) {
	c := testCookie(t, 'k')
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
		"of yesterday's session": {now - MaxSession, now - MaxSession, now, false},
		"of a session of 24 h":   {now - MaxSession + 1, now - MaxSession + 1, now, true},
	} {
		payload, _ := (&Visit{Start: test.start, Last: test.sealed}).Encode(c.Room, nil)
		value, err := c.Seal(payload, owner, test.minute)
		if err != nil {
			t.Fatal(err)
		}
		v := c.Open([2]string{value}, owner, now).Visit
		if v == nil || c.Alive(v, now) != test.alive {
			t.Errorf("%s: %+v, want alive %t", name, v, test.alive)
		}
	}
}

// TestVisitCookieForms: what is no value is left alone, without cryptography.
func TestVisitCookieForms(t *testing.T) {
	c := testCookie(t, 'k')
	for _, value := range []string{
		"", ".", "29500000", "29500000.", "029500000.AAAA", "+29500000.AAAA", "2950000 .AAAA", "0.AAAA", "-1.AAAA", "2950000000.AAAA",
		"29500000.AAA", "29500000.AA==\n", ".AAAA", "29500000.!!!!", "29500000." + strings.Repeat("A", maxCookie), "undefined",
	} {
		if v := c.Open([2]string{value}, owner, 29_500_000); v.Visit != nil {
			t.Errorf("%q opens", value)
		}
	}
	for _, sealed := range []string{"AB==", "AAB=", "AA==AAAA", "AA\nAA", "A\r==", "AA+/", "\u00e9AA"} {
		if _, f := unpack(sealed); f != 0 {
			t.Errorf("%q is taken for canonical", sealed)
		}
	}
}

// TestVisitOfTwoCookies: the first that opens is the visit.
func TestVisitOfTwoCookies(t *testing.T) {
	c, other := testCookie(t, 'k'), testCookie(t, 'o')
	const now = 29_500_000
	value := func(c *Cookie, start int64) string {
		payload, _ := (&Visit{Start: start, Last: start}).Encode(c.Room, nil)
		s, err := c.Seal(payload, owner, now)
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
			header.Add("Cookie", c.Name+"="+v)
		}
		v := c.Open(c.Find(web.CookiesOf(header)), owner, now)
		if (v.Visit == nil) != (test.start == 0) || v.Visit != nil && (v.Start != test.start || v.Value == "") {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestVisitKeys: a new key reads nothing of the old one unless that is there,
// too; and it is the first that seals.
func TestVisitKeys(t *testing.T) {
	both, turned, former, latter := testCookie(t, '1', '2'), testCookie(t, '2', '1'), testCookie(t, '1'), testCookie(t, '2')
	payload, _ := (&Visit{Start: 29_500_000, Last: 29_500_000}).Encode(both.Room, nil)
	for name, test := range map[string]struct {
		seals, opens *Cookie
		key          int // -1: none
	}{
		"reader first":     {former, both, 0},
		"what it writes":   {both, former, 0},
		"too early":        {both, latter, -1},
		"writer":           {turned, both, 1},
		"the former still": {both, turned, 1},
		"the former gone":  {turned, latter, 0},
	} {
		value, err := test.seals.Seal(payload, owner, 29_500_000)
		if err != nil {
			t.Fatal(err)
		}
		v, key := test.opens.Open([2]string{value}, owner, 29_500_000), 0
		switch {
		case v.Visit == nil:
			key = -1
		case v.Anew:
			key = 1
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
		o := usual
		o.MaxAge = age
		c, err := NewCookie(o, []Key{NewKey()})
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
		text, _ := someVisit(random, 10).Encode(MemoryRoom, nil)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if v, err := decode(text, true); err == nil {
			v.Encode(64, nil)
		}
		v, err := decode(text, false)
		if err != nil {
			return
		}
		if again := v.append(nil); string(again) != string(text) {
			t.Errorf("%x is read and written as %x", text, again)
		}
		v.Encode(64, nil)
	})
}

func FuzzVisitCookie(f *testing.F) {
	c := testCookie(f, 'k')
	payload, _ := (&Visit{Start: 29_500_000, Last: 29_500_000}).Encode(c.Room, nil)
	value, err := c.Seal(payload, owner, 29_500_000)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Name + "=" + value)
	f.Add(c.Name + "=29500000.AAAA; " + c.Name + "=" + value)
	f.Fuzz(func(t *testing.T, header string) {
		values := c.Find(web.Cookies{header})
		v := c.Open(values, owner, 29_500_000)
		if v.Visit == nil {
			return
		}
		minute, sealed, ok := Split(v.Value)
		_, f := unpack(sealed) // formOne comes from what was found interesting in earlier versions
		if !ok || Format(minute, sealed) != v.Value || f != formOwned && (f != formOne || !v.Anew) || v.Start != 29_500_000 || len(v.plain)+len(v.keyed)+len(v.after) > 0 {
			t.Errorf("%q opens as %+v", header, v)
		}
	})
}
