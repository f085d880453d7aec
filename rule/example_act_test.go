package rule

import (
	"strings"
	"testing"
)

const actRules = `
goals:
  - goal: DEMO_CLICKED
    click: "#hero a.demo"
    on: /products/{id}
    data: { product: $path.id, plan: $element.plan, ref: $query.ref }
  - goal: NAMED
    click: book-demo
    if: { element.plan: [pro, team], header.X-Kind: a }
    hosts: [shop.example]
  - goal: CALLED
    click: { to: tel }
  - goal: OUT
    click: { element: footer a, to: other-site }
  - goal: SAW
    seen: .price-table
    on: /pricing
  - goal: HALF
    any:
      - played: { element: video, part: 50% }
      - visit: /film/half
  - goal: ENDED
    played: { element: intro, part: end }
  - goal: BEGUN
    started: form
  - goal: READ
    read: 75%
    on: /blog/**
  - goal: STAYED
    stay: 30s
    on: /blog/**
  - goal: SDK
    event: CLICKED
    data: { label: $event.label }
    value: { from: $event.price, max: 10 }
  - goal: CODE
    code: true
`

// TestExampleOfAct: a line about what happens in a page is judged as a report of it is.
func TestExampleOfAct(t *testing.T) {
	t.Parallel()
	s := parsed(t, actRules)
	for line, want := range map[string]string{
		"CLICK #hero a.demo on /products/7?ref=mail plan=pro":                                  "DEMO_CLICKED plan=pro product=7 ref=mail",
		"CLICK #hero  a.demo  on /Products/7/":                                                 "DEMO_CLICKED product=7",
		`CLICK #hero a.demo on "/products/Tea pot" plan="pro max"`:                             "DEMO_CLICKED plan=pro max product=Tea pot",
		"CLICK section#hero div a.demo.big span on /products/7":                                "DEMO_CLICKED product=7",
		"CLICK a.demo on /products/7":                                                          "",
		"CLICK #hero a.demo on /other":                                                         "",
		"CLICK book-demo on / element.plan=pro header.X-Kind=a":                                "NAMED",
		"CLICK a[data-goal=book-demo] img plan=team header.X-Kind=a host=shop.example:80 on /": "NAMED",
		"CLICK book-demo on https://shop.example/x?a=b plan=pro header.X-Kind=a":               "NAMED",
		"CLICK book-demo on https://other.example/x plan=pro header.X-Kind=a":                  "",
		"CLICK book-demo plan=free header.X-Kind=a":                                            "",
		"CLICK book-demo plan=pro header.X-Kind=a host=other.example":                          "",
		"CLICK book-demo plan=pro":                                                             "",
		"CLICK -> tel:+49301234":                                                               "CALLED",
		"CLICK p a on /x -> tel":                                                               "CALLED",
		`CLICK a[href="tel:+49 30"] on /x`:                                                     "CALLED",
		"CLICK a -> mailto:a@b.example":                                                        "",
		"CLICK footer a -> https://other.example/x":                                            "OUT",
		`CLICK footer a[href="//other.example"]`:                                               "OUT",
		"CLICK footer a -> https://example.com/x":                                              "",
		"CLICK footer a -> /x":                                                                 "",
		"CLICK header a -> https://other.example/x":                                            "",
		"SEEN table.price-table on /pricing":                                                   "SAW",
		"SEEN .price-table td on /pricing":                                                     "",
		"PLAYED video on /x":                                                                   "",
		"PLAYED video 50% on /x":                                                               "HALF",
		"PLAYED main video.wide end on /x":                                                     "HALF",
		"GET /film/half":                                                                       "HALF",
		"PLAYED intro end":                                                                     "ENDED",
		"PLAYED intro 99%":                                                                     "",
		"STARTED form#contact on /contact":                                                     "BEGUN",
		"STARTED form#contact input on /contact":                                               "BEGUN",
		"STARTED contact on /contact":                                                          "",
		"READ 75% on /blog/a":                                                                  "READ",
		"READ 74% on /blog/a":                                                                  "",
		"READ 100% on /a":                                                                      "",
		"STAY 30s on /blog":                                                                    "STAYED",
		"STAY 1m on /blog":                                                                     "STAYED",
		"STAY 29s on /blog":                                                                    "",
		"EVENT CLICKED on /x label=\"Buy it\" event.price=3":                                   "SDK label=Buy it value=3",
		"EVENT CLICKED on /x price=11":                                                         "",
		"EVENT VIEW on /x":                                                                     "",
	} {
		e, err := ParseExample(line)
		if err != nil {
			t.Error(err)
			continue
		}
		var got []string
		for _, v := range s.Explain(e) {
			if !v.Fired {
				if v.Reason == "" {
					t.Errorf("%s: %s does not count, and nothing says why", line, v.Goal)
				}
				continue
			}
			words := []string{v.Goal}
			for _, name := range []string{"label", "plan", "product", "ref", "goalFrom"} {
				if d, ok := textOf(v.Data[name]); ok {
					words = append(words, name+"="+d)
				}
			}
			if value, ok := textOf(v.Value); ok {
				words = append(words, "value="+value)
			}
			got = append(got, strings.Join(words, " "))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s\n got %q\nwant %q", line, strings.Join(got, "; "), want)
		}
	}
}

// TestExampleOfActReasons: who tries what happens in a page reads why it does not count.
func TestExampleOfActReasons(t *testing.T) {
	t.Parallel()
	s := parsed(t, actRules)
	for _, tt := range [][3]string{
		{"CLICK a on /products/7", "DEMO_CLICKED", "the element is a, and not #hero a.demo"},
		{"CLICK #hero a.demo on /x", "DEMO_CLICKED", "the page /x does not match /products/{id}"},
		{"CLICK -> /x", "DEMO_CLICKED", "the page / does not match /products/{id}"},
		{"CLICK -> /x", "NAMED", "the element is not named, and not book-demo"},
		{"CLICK a -> /x", "CALLED", "needs a link to tel, and this leads to a page of the site"},
		{"CLICK footer a -> tel:1", "OUT", "needs a link to other-site, and this leads to tel"},
		{"CLICK book-demo plan=free header.X-Kind=a", "NAMED", `line 9: if: element.plan is "free", the rule wants "pro" or "team"`},
		{"SEEN a on /x", "DEMO_CLICKED", "needs click:, and this is seen:"},
		{"PLAYED video 20%", "HALF", "needs 50%, and this is 20%"},
		{"PLAYED intro", "ENDED", "needs end, and this is start"},
		{"READ 20% on /blog", "READ", "needs 75%, and this is 20%"},
		{"STAY 2s on /blog", "STAYED", "needs 30s, and this is 2s"},
		{"EVENT VIEW", "SDK", "needs the event CLICKED, and this is VIEW"},
		{"EVENT CLICKED price=99", "SDK", `line 35: value: is "99", which is more than max: 10`},
		{"CLICK a", "CODE", "raised in code, not in a page"},
		{"GET /x", "SAW", "happens in a page, not by a request"},
		{"GET /x", "SDK", "an event of Sitecore's scripts, not a request"},
	} {
		e, err := ParseExample(tt[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range s.Explain(e) {
			if v.Goal == tt[1] && v.Reason != tt[2] {
				t.Errorf("%s: %s: %q, want %q", tt[0], v.Goal, v.Reason, tt[2])
			}
		}
	}
}

// TestExampleOfActFaults: a line that is not understood says what to write.
func TestExampleOfActFaults(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"CLICK":                          `"CLICK " is not understood: write it as in CLICK a.demo on /products/7`,
		"CLICK on /x":                    `"CLICK on /x" is not understood: write it as in CLICK a.demo on /products/7`,
		"click a on /x":                  `"click a on /x" begins with click, which is written CLICK`,
		"CLICK a..b":                     `"a..b": the name of a class is missing after .`,
		"CLICK a on /x more":             `"more" is no name=value`,
		"CLICK a -> tel:1 on /x":         `after -> stands where the link of a CLICK leads, such as tel:+4930123, and nothing else in "CLICK a -> tel:1 on /x"`,
		"CLICK a ->":                     `after -> stands where the link of a CLICK leads, such as tel:+4930123, and nothing else in "CLICK a ->"`,
		"SEEN a -> 200":                  `after -> stands where the link of a CLICK leads, such as tel:+4930123, and nothing else in "SEEN a -> 200"`,
		"CLICK a on /x form.a=b":         "what happens in a page has no form.a",
		"CLICK a on /x app.a=b":          "what happens in a page has no app.a",
		"CLICK a on /x event.a=b":        "what happens in a page has no event.a",
		"EVENT A on /x element.a=b":      "what happens in a page has no element.a",
		"READ 80 on /x":                  `"READ 80 on /x" is not understood: write it as in READ 80% on /blog/tea`,
		"READ 101% on /x":                `"READ 101% on /x" is not understood: write it as in READ 80% on /blog/tea`,
		"READ 80% on /x a=b":             "READ has no element, and so no a",
		"STAY long on /x":                `"STAY long on /x" is not understood: write it as in STAY 40s on /blog/tea`,
		"STARTED":                        `"STARTED " is not understood: write it as in STARTED form on /contact`,
		"PLAYED on /x":                   `"PLAYED on /x" is not understood: write it as in PLAYED video 50% on /film`,
		"EVENT A B":                      `"EVENT A B" is not understood: write it as in EVENT CLICKED on /products/7`,
		`CLICK a[b="c on /x`:             `a quote is opened and never closed in "a[b=\"c on /x"`,
		"CLICK a:contains(Buy now) on /": `"a:contains(Buy now)": :contains is not a pseudo-class of CSS`,
	} {
		if _, err := ParseExample(line); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", line, err, want)
		}
	}
}

// FuzzExample: no line makes the reader of examples panic, nor the judge of what it reads.
func FuzzExample(f *testing.F) {
	for _, line := range []string{
		"GET /pricing", "POST /contact topic=sales -> 303 /thanks", `CLICK a[href="x"] on /x plan="a b" -> tel:1`, "PLAYED video 50% on /film",
		"READ 80% on /a", "STAY 40s", "EVENT A on /x a=1", "SEEN :is(a,b) on /", "CLICK -> //x", "STARTED form",
	} {
		f.Add(line)
	}
	s, err := Parse([]byte(actRules))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e, err := ParseExample(line)
		if err != nil {
			return
		}
		for _, v := range s.Explain(e) {
			if v.Fired == (v.Reason != "") {
				t.Errorf("%q: %+v", line, v)
			}
		}
	})
}
