package consent

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
)

// ofIAB is one string and what the IAB's library reads from it.
type ofIAB struct {
	text     string
	sections []sectionOfIAB
}

type sectionOfIAB struct {
	name   string
	values map[string]string // digits, by field
	gpc    string            // "1", "0", or "" if the string does not say
}

// readOfIAB reads a file that testdata/gpp/make.mjs has made.
func readOfIAB(t *testing.T) (all []ofIAB) {
	t.Helper()
	file, err := os.Open(cmp.Or(os.Getenv("GOALTRACK_GPP"), "testdata/gpp/strings.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	names := map[string][]string{}
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch words := strings.Fields(lines.Text()); words[0] {
		case "#":
		case "fields":
			names[words[1]] = words[2:]
		case "string":
			all = append(all, ofIAB{text: words[1]})
		default:
			s := sectionOfIAB{name: words[0], values: map[string]string{}}
			for i, name := range names[s.name] {
				s.values[name] = words[1+i]
			}
			if rest := words[1+len(names[s.name]):]; len(rest) > 0 {
				s.gpc = strings.TrimPrefix(rest[0], "gpc=")
			}
			last := &all[len(all)-1]
			last.sections = append(last.sections, s)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// idOf is the number of a section.
func idOf(name string) int {
	switch name {
	case "tcfeuv2":
		return sectionTCF
	case "uspv1":
		return sectionUSP
	case "usnat":
		return sectionUSNat
	}
	for i := range states {
		if states[i].name == name {
			return sectionUSNat + 1 + i
		}
	}
	return 0
}

// fieldsOf reads every field of a section as text, as ofIAB has them.
func fieldsOf(id int, text string) (values map[string]string, gpc string, ok bool) {
	values = map[string]string{}
	core, rest, _ := strings.Cut(text, ".")
	switch id {
	case sectionTCF:
		given, ok := purposesWithConsent(core)
		values["Version"], values["PurposeConsents"] = "2", fmt.Sprintf("%024b", given)
		return values, "", ok
	case sectionUSP:
		for i, name := range []string{"Version", "Notice", "OptOutSale", "LspaCovered"} {
			values[name] = text[i : i+1]
		}
		return values, "", true
	}
	l := layoutOf(id)
	first := bits{text: core}
	version, _ := first.take(6)
	if values["Version"] = strconv.Itoa(int(version)); l.fields[0].name == "MspaCoveredTransaction" {
		values["MspaVersion"] = values["Version"]
		delete(values, "Version")
	}
	ok = l.read(core, func(f *field, number uint8) { values[f.name] += strconv.Itoa(int(number)) })
	if rest == "" {
		return values, "", ok
	}
	b := bits{text: rest}
	if l.noGPC { // what is sensitive has a segment of its own, without a type
		for range 8 {
			one, _ := b.take(2)
			values["SensitiveDataProcessing"] += strconv.Itoa(int(one))
		}
		return values, "", ok
	}
	kind, _ := b.take(2)
	on, _ := b.take(1)
	return values, strconv.Itoa(int(on)), ok && kind == 1
}

// should is what a section means for goals, written down a second time and from the
// fields as the library has them: the words of docs/visitors.md.
func should(s sectionOfIAB) Answer {
	switch s.name {
	case "tcfeuv2":
		consents := func(purposes ...int) Answer {
			for _, p := range purposes {
				if s.values["PurposeConsents"][p-1] != '1' {
					return Refused
				}
			}
			return Granted
		}
		return Mixed(consents(1, 8, 9), consents(1, 3, 4, 5, 6))
	case "uspv1":
		switch s.values["Notice"] + s.values["OptOutSale"] {
		case "YY", "NY", "-Y":
			return Mixed(Granted, Refused)
		case "YN":
			return Granted
		}
		return Unknown
	}
	asked, open, out := false, false, false
	for _, of := range []string{"Sale", "Sharing", "TargetedAdvertising"} {
		switch s.values[of+"OptOutNotice"] + s.values[of+"OptOut"] {
		case "01", "11", "21": // opted out
			asked, out = true, true
		case "02", "12": // did not
			asked = true
		case "10", "20", "22": // no answer, or no notice
			open = true
		}
	}
	uninformed := s.values["SharingNotice"] == "2" || s.values["ProcessingNotice"] == "2"
	noOtherUse := s.values["PersonalDataConsents"] == "1" || s.values["AdditionalDataProcessingConsent"] == "1"
	switch {
	case s.gpc == "1", strings.Contains(s.values["KnownChildSensitiveDataConsents"], "1"):
		return Refused
	case !asked || uninformed:
		if out || noOtherUse {
			return Mixed(Unknown, Refused)
		}
		return Unknown
	case out || noOtherUse:
		return Mixed(Granted, Refused)
	case open:
		return Mixed(Granted, Unknown)
	}
	return Granted
}

// TestGPPAgreesWithIAB: each field of 400 strings is read as the IAB's own library
// reads it, and means what the docs say.
func TestGPPAgreesWithIAB(t *testing.T) {
	all := readOfIAB(t)
	if len(all) != 400 {
		t.Fatalf("%d strings, not 400", len(all))
	}
	seen, answers := map[string]int{}, map[Answer]int{}
	for _, one := range all {
		head, rest, _ := strings.Cut(one.text, "~")
		ids := sectionIDs{bits: bits{text: head}}
		if !ids.begin() {
			t.Fatalf("%s: no header", one.text)
		}
		var want Answer
		for i, s := range one.sections {
			var text string
			text, rest, _ = strings.Cut(rest, "~")
			if !ids.next() || ids.id != idOf(s.name) {
				t.Fatalf("%s: section %d is %d, want %s", one.text, i, ids.id, s.name)
			}
			values, gpc, ok := fieldsOf(ids.id, text)
			if !ok || gpc != s.gpc || len(values) != len(s.values) {
				t.Errorf("%s: %s is read %t, GPC %q, want %q; %d fields, want %d", one.text, s.name, ok, gpc, s.gpc, len(values), len(s.values))
			}
			for name, value := range s.values {
				if values[name] != value {
					t.Errorf("%s: %s of %s is %q, want %q", one.text, name, s.name, values[name], value)
				}
			}
			if seen[s.name]++; i == 0 {
				want = should(s)
			} else {
				want = Join(want, should(s))
			}
		}
		if ids.next() || ids.broken {
			t.Errorf("%s: more sections, or a broken header", one.text)
		}
		if got := plainGPP.Of(one.text); got != want {
			t.Errorf("%s: %v, want %v", one.text, words(got), words(want))
		}
		answers[want]++
	}
	if len(seen) != 3+len(states) {
		t.Errorf("%d kinds of sections: %v", len(seen), seen)
	}
	for _, a := range []Answer{Unknown, Granted, Refused, Mixed(Granted, Refused), Mixed(Granted, Unknown)} {
		if answers[a] < 5 {
			t.Errorf("only %d strings mean %s", answers[a], words(a))
		}
	}
}

var plainGPP = &GPP{
	TCF: TCF{PurposesOf([]int{1, 8, 9}), PurposesOf([]int{1, 3, 4, 5, 6})},
	GPC: Refused,
}

func words(a Answer) string {
	one := map[Answer]string{Unknown: "unknown", Granted: "granted", Refused: "refused"}
	return one[a.Analytics()] + ", " + one[a.Marketing()]
}

const (
	agreed   = "DBABBg~BUoAAABA"    // usca, neither opt-out used
	optedOut = "DBABBg~BUUAAABA"    // usca, of the sale
	signaled = "DBABBg~BUoAAABA.YA" // with the GPC
)

func TestGPP(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		gpc  Answer
		want Answer
	}{
		"nothing":                        {"", Refused, Unknown},
		"no section applies":             {"DBAA", Refused, Unknown},
		"agreed":                         {agreed, Refused, Granted},
		"opted out":                      {optedOut, Refused, Mixed(Granted, Refused)},
		"GPC":                            {signaled, Refused, Refused},
		"GPC is of marketing":            {signaled, Mixed(Unknown, Refused), Mixed(Granted, Refused)},
		"GPC is ignored":                 {signaled, Unknown, Granted},
		"GPC is off":                     {agreed + ".QA", Refused, Granted},
		"a segment nobody knows":         {agreed + ".gA", Refused, Unknown},
		"and GPC behind it":              {agreed + ".gA.YA", Refused, Refused},
		"an empty segment":               {agreed + ".", Refused, Unknown},
		"a core that was cut off":        {agreed[:len(agreed)-1], Refused, Unknown},
		"a core that goes on":            {agreed + "B", Refused, Unknown},
		"a core filled up to a group":    {agreed + "AA", Refused, Granted},
		"another version":                {strings.Replace(agreed, "~B", "~C", 1), Refused, Unknown},
		"a number that means nothing":    {"DBABBg~BU8AAABA", Refused, Unknown},
		"no base64url":                   {"DBABBg~BUo+AABA", Refused, Unknown},
		"a section nobody knows":         {"DBABKY~BUoAAABA", Refused, Unknown},
		"tcfeuv1":                        {"DBABYA~BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA", Refused, Unknown},
		"no sections behind the header":  {"DBABBg", Refused, Unknown},
		"more sections than promised":    {agreed + "~BUoAAABA", Refused, Unknown},
		"fewer sections than promised":   {"DBACNY~1YNN", Refused, Unknown},
		"no header":                      {"CAACNY~1YNN", Refused, Unknown},
		"version 2 of the header":        {"DCABBg~BUoAAABA", Refused, Unknown},
		"usp, notice and no opt-out":     {"DBABTA~1YNN", Refused, Granted},
		"usp, opted out":                 {"DBABTA~1YYN", Refused, Mixed(Granted, Refused)},
		"usp, not applicable":            {"DBABTA~1---", Refused, Unknown},
		"usp, no notice":                 {"DBABTA~1NNN", Refused, Unknown},
		"usp, version 2":                 {"DBABTA~2YNN", Refused, Unknown},
		"usp, other letters":             {"DBABTA~1ynn", Refused, Unknown},
		"usp beside one nobody can read": {"DBACTY~1YYN~", Refused, Mixed(Unknown, Refused)},
	} {
		g := *plainGPP
		g.GPC = c.gpc
		if got := g.Of(c.text); got != c.want {
			t.Errorf("%s: %s: %s, want %s", name, c.text, words(got), words(c.want))
		}
		if n := testing.AllocsPerRun(1000, func() { g.Of(c.text) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// TestFibonacci reads the examples of the specification.
func TestFibonacci(t *testing.T) {
	for text, want := range map[string]int{"11": 1, "011": 2, "0011": 3, "1011": 4, "00011": 5, "10011": 6, "01011": 7} {
		number, _ := strconv.ParseUint(text+strings.Repeat("0", 30-len(text)), 2, 32)
		var encoded [5]byte
		for i := range encoded {
			encoded[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[number>>(24-6*i)&63]
		}
		b := bits{text: string(encoded[:])}
		if got, ok := b.fibonacci(); !ok || got != want {
			t.Errorf("%s: %d, %t, want %d", text, got, ok, want)
		}
	}
	b := bits{text: strings.Repeat("A", 100)}
	if _, ok := b.fibonacci(); ok {
		t.Error("a number that never ends was read")
	}
}

// FuzzGPP: no string panics, takes longer than its length allows, or is granted what a
// section that cannot be read stands beside.
func FuzzGPP(f *testing.F) {
	for _, s := range []string{"", "DBAA", agreed, optedOut, signaled, "DBACNY~CAAA~1YNN", "DBABTA~1YNN", "D_______~", "DBABjw~~1YYN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := plainGPP.Of(text)
		ids := sectionIDs{bits: bits{text: strings.Split(text, "~")[0]}}
		if !ids.begin() && got != Unknown {
			t.Fatalf("%q has no header, and is %s", text, words(got))
		}
		for ids.next() {
			if layoutOf(ids.id) == nil && ids.id != sectionTCF && ids.id != sectionUSP && (got.Analytics() == Granted || got.Marketing() == Granted) {
				t.Errorf("%q has the section %d, and is %s", text, ids.id, words(got))
			}
		}
		// What is refused stays so if something is put behind it that nobody knows.
		more := plainGPP.Of(text + "~")
		if more.Analytics() == Granted || more.Marketing() == Granted {
			t.Errorf("%q~ is %s", text, words(more))
		}
	})
}
