package cdptest_test

import (
	"errors"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// TestClient has goaltrack's own client pass in every form it has.
func TestClient(t *testing.T) {
	s := cdptest.NewServer(t, cdptest.Options{
		ClientKeys: []string{"test-key"}, PointsOfSale: []string{"the shop"},
		ContextIDs: []string{"test-context"}, SiteNames: []string{"the site"},
	})
	inURL := s.Direct()
	inURL.Transport = cdp.GET
	inHeader := s.Edge()
	inHeader.ContextHeader = true
	for name, site := range map[string]cdp.Site{
		"direct": s.Direct(), "direct, in the URL": inURL, "edge": s.Edge(), "edge, in the header": inHeader,
	} {
		t.Run(name, func(t *testing.T) {
			s.Reset()
			client, err := cdp.New(site, cdp.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			browser, err := client.CreateBrowser(t.Context())
			if err != nil || len(s.Browsers()) != 1 || s.Browsers()[0] != browser.ID || browser.Guest == "" {
				t.Fatalf("created %+v, %v", browser, err)
			}
			if shown, err := client.Show(t.Context(), browser.ID); err != nil || shown != browser {
				t.Errorf("shown %+v, %v", shown, err)
			}
			e := cdp.Custom("shop:CONTACT_SENT", cdp.Ext{{Name: "topic", Value: "sales"}, {Name: "pages", Value: 12}})
			e.BrowserID, e.Page = browser.ID, "contact"
			receipt, err := client.Send(t.Context(), &e)
			if err != nil {
				t.Fatal(err)
			}
			got := s.Expect(t, "shop:CONTACT_SENT").On("contact").From(browser.ID).With("topic", "sales").With("pages", 12).Once()
			if got.Ref != receipt.Ref || got.Ref == "" {
				t.Errorf("recorded as %q, answered %q", got.Ref, receipt.Ref)
			}
			s.Forget(browser.ID)
			_, err = client.Send(t.Context(), &e)
			if failure, ok := errors.AsType[*cdp.Error](err); !ok || failure.Outcome != cdp.BrowserUnknown {
				t.Errorf("forgotten: %v", err)
			}
		})
	}
}
