package page_test

import (
	"testing"

	"github.com/goaltrack/goaltrack/page"
)

const sidesRules = `
version: 1
goals:
  - goal: OFFER_BEGUN
    started: form
    on: /offer
  - goal: OFFER_CLICKED
    click: send-offer
  - goal: OFFER_SENT
    submit: /offer
    success: 2xx
    if: { query.bad: absent }
  - goal: OFFER_BY_BUTTON
    submit: /offer
    success: 2xx
    after: OFFER_CLICKED
  - goal: OFFER_LEFT_OPEN
    visit: /next
    after: OFFER_BEGUN
    not after: OFFER_SENT
  - goal: BACK_TO_PRICES
    click: prices
    after: OFFER_LEFT_OPEN
    count: once per session for $element.plan
`

// TestBothSides: what happens inside a page and what the site accepts are one visitor's
// steps, whichever came first.
func TestBothSides(t *testing.T) {
	begun, clicked := message("OFFER_BEGUN", "/offer", ""), message("OFFER_CLICKED", "/offer", "")
	back := func(plan string) string { return message("BACK_TO_PRICES", "/next", `"plan":"`+plan+`"`) }
	for name, c := range map[string]struct {
		steps []string // a path, POST and a path, or a message
		want  map[string]string
	}{
		"clicked, then accepted":       {[]string{clicked, "POST /offer"}, map[string]string{"OFFER_BY_BUTTON": "fired 1"}},
		"accepted without a click":     {[]string{"POST /offer"}, map[string]string{"OFFER_BY_BUTTON": "not_after 1"}},
		"accepted, then clicked":       {[]string{"POST /offer", clicked}, map[string]string{"OFFER_BY_BUTTON": "not_after 1"}},
		"begun and left open":          {[]string{begun, "/next"}, map[string]string{"OFFER_LEFT_OPEN": "fired 1"}},
		"begun and accepted":           {[]string{begun, "POST /offer", "/next"}, map[string]string{"OFFER_LEFT_OPEN": "came_before 1"}},
		"begun and refused":            {[]string{begun, "POST /offer?bad=1", "/next"}, map[string]string{"OFFER_LEFT_OPEN": "fired 1"}},
		"never begun":                  {[]string{"/next"}, map[string]string{"OFFER_LEFT_OPEN": "not_after 1"}},
		"a click after a visit":        {[]string{begun, "/next", back("pro"), back("pro"), back("team")}, map[string]string{"BACK_TO_PRICES": "fired 2, already_counted 1"}},
		"a click without the data":     {[]string{begun, "/next", message("BACK_TO_PRICES", "/next", "")}, map[string]string{"BACK_TO_PRICES": "value_missing 1"}},
		"a click before what it needs": {[]string{back("pro")}, map[string]string{"BACK_TO_PRICES": "not_after 1"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := openWith(t, sidesRules, page.Options{})
			v := s.visitor()
			for _, step := range c.steps {
				switch step[0] {
				case '{':
					s.tell(v, step)
				case '/':
					v.Get(step)
				default:
					v.Post(step[len("POST "):], "")
				}
			}
			for goal, want := range c.want {
				s.Expect(goal, want)
			}
		})
	}
}
