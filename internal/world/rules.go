package world

import (
	"testing"

	"github.com/goaltrack/goaltrack"
)

// EachTrigger has one goal for each kind of trigger.
const EachTrigger = `
version: 1
goals:
  - { goal: PAGE_VISITED, visit: /page }
  - { goal: FORM_SENT, submit: /form, if: { form.email: present }, data: { topic: $form.topic } }
  - { goal: FILE_TAKEN, download: /file }
  - { goal: RAISED, code: true }
`

// ShopRules are the rules of [Shop].
const ShopRules = `
version: 1
goals:
  - goal: PRICING_VIEWED
    visit: /pricing
    value: 5
  - goal: PRODUCT_VIEWED
    visit: /products/{id}
    unless: { path: /products/compare }
    data: { productId: $path.id }
  - goal: NEWSLETTER_SIGNUP
    submit: /newsletter
    if: { form.email: present }
  - goal: CONTACT_SENT
    submit: /contact
    success: 303 to /thanks
    data: { topic: $form.topic }
  - goal: BROCHURE_DOWNLOADED
    download: /files/**/{file}.pdf
    data: { file: $path.file }
  - goal: ORDER_PLACED
    submit: /checkout
    success: 303 to /orders/{orderId}
    value: { from: $form.total, currency: EUR, max: 20000 }
    data: { orderId: $redirect.orderId }
  - goal: ORDER_PAID
    code: true
`

// MustParse parses rules that must have no fault.
func MustParse(tb testing.TB, text string) *goaltrack.Rules {
	tb.Helper()
	rules, err := goaltrack.ParseRules([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return rules
}
