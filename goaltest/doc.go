// Package goaltest tests goals. It runs the examples of a rule file from go test, and it
// has a browser for handlers and sites.
//
// One call tries every example of a file, each as a subtest:
//
//	func TestGoals(t *testing.T) { goaltest.Examples(t, "goals.yaml") }
//
// The other kind of test lets a visitor come to the application, and then looks at what
// arrived at a CDP:
//
//	func TestContact(t *testing.T) {
//		site := goaltest.NewSite(t, goaltrack.Config{Rules: goaltest.Rules(t, "goals.yaml")}, app)
//		b := site.Browser()
//		b.Open("/contact")
//		b.Submit("/contact", url.Values{"topic": {"sales"}})
//		site.Expect("CONTACT_SENT").With("topic", "sales").Once()
//	}
//
// [Site] is a site of its own, with a tracker and a strict CDP. If you make the tracker
// yourself, use a [Browser] alone.
package goaltest
