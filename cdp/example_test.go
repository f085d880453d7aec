package cdp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// fakeCDP stands for the tenant's host in these examples.
func fakeCDP() *httptest.Server {
	const id = "6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1.2/browser/create.json":
			_, _ = fmt.Fprintf(w, `{"status":"OK","ref":%q,"customer_ref":"b2f0a9d4-71c3-4c0f-8d7e-5e9c4a6b3f21"}`, id)
		case "/v1.2/events":
			body, _ := io.ReadAll(r.Body)
			fmt.Printf("%s\n", body)
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"status":"OK","ref":"event-1"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"status":"NOT_FOUND","error_msg":"invalid browser reference"}`)
		}
	}))
}

// A visitor without an ID asks for a brochure.
func Example() {
	server := fakeCDP() // in a program: Region: cdp.EU instead of BaseURL
	defer server.Close()

	client, err := cdp.New(cdp.Direct{
		BaseURL:     server.URL,
		ClientKey:   "demoKey000",
		PointOfSale: "acme-shop",
	}, cdp.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	browser, err := client.CreateBrowser(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	event := cdp.Custom("ACME:BROCHURE_REQUESTED", cdp.Ext{{"brochureId", "b-17"}, {"pages", 12}})
	event.BrowserID = browser.ID
	event.Channel, event.Language, event.Currency, event.Page = "WEB", "EN", "EUR", "pricing"

	receipt, err := client.Send(context.Background(), &event)
	fmt.Println(receipt.Ref, cdp.OutcomeOf(err))
	// Output:
	// {"browser_id":"6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90","type":"ACME:BROCHURE_REQUESTED","client_key":"demoKey000","pos":"acme-shop","channel":"WEB","language":"EN","currency":"EUR","page":"pricing","ext":{"brochureId":"b-17","pages":12}}
	// event-1 accepted
}

// What to do with an error depends on its outcome.
func ExampleClient_Send() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	client, err := cdp.New(cdp.Direct{BaseURL: server.URL, ClientKey: "demoKey000", PointOfSale: "acme-shop"}, cdp.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	event := cdp.View("home")
	event.BrowserID = "6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"

	_, err = client.Send(context.Background(), &event)
	switch cdp.OutcomeOf(err) {
	case cdp.Accepted:
		fmt.Println("done")
	case cdp.NotProcessed:
		if e, ok := errors.AsType[*cdp.Error](err); ok {
			fmt.Println("safe to send again, in", e.RetryAfter)
		}
	case cdp.Unknown:
		fmt.Println("may have been counted: sending again may count it twice")
	case cdp.EventBad:
		fmt.Println("never to be accepted:", err)
	case cdp.BrowserUnknown:
		fmt.Println("the visitor needs a new ID")
	case cdp.SenderBad:
		fmt.Println("look at the settings before anything else is sent:", err)
	}
	// Output: safe to send again, in 30s
}

// A server has made the body before, perhaps in another process, and knows the
// visitor's User-Agent.
func ExampleClient_Post() {
	server := fakeCDP()
	defer server.Close()
	site := cdp.Direct{BaseURL: server.URL, ClientKey: "demoKey000", PointOfSale: "acme-shop"}
	client, err := cdp.New(site, cdp.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	event := cdp.View("home")
	event.BrowserID = "6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"
	body := event.AppendJSON(nil, site)

	receipt, err := client.Post(context.Background(), body, "Mozilla/5.0 (X11; Linux x86_64)")
	fmt.Println(receipt.Ref, err)
	// Output:
	// {"browser_id":"6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90","type":"VIEW","client_key":"demoKey000","pos":"acme-shop","page":"home"}
	// event-1 <nil>
}

// Every fault of the settings is reported at once.
func ExampleNew() {
	_, err := cdp.New(cdp.Direct{Region: "mars", ClientKey: "demo key"}, cdp.Options{Workers: -1})
	fmt.Println(err)
	// Output:
	// cdp: Direct.Region "mars" is not one of eu, us, ap, jp
	// cdp: Direct.ClientKey has a character that a cookie name cannot have, at byte 4
	// cdp: Direct.PointOfSale is required
	// cdp: Options.Workers is negative
}

// The cookies in which the browser SDKs of a site keep the ID.
func ExampleSite() {
	for _, site := range []cdp.Site{
		cdp.Direct{Region: cdp.EU, ClientKey: "demoKey000", PointOfSale: "acme-shop"},
		cdp.Edge{ContextID: "ctx123", SiteName: "acme"},
	} {
		fmt.Println(site.CookieName(), site.LegacyCookieNames(), site.Validate())
	}
	// Output:
	// bid_demoKey000 [BID_demoKey000] <nil>
	// sc_cid [sc_ctx123 sc_rid] <nil>
}

// A form was accepted. What the visitor typed is not part of the event.
func ExampleForm() {
	event := cdp.Form("contact", cdp.FormSubmitted, "")
	fmt.Println(event.Validate())
	fmt.Printf("%s\n", event.AppendJSON(nil, cdp.Edge{ContextID: "ctx123", SiteName: "acme"}))
	// Output:
	// <nil>
	// {"browser_id":"","type":"FORM","client_key":"","pos":"","ext":{"formId":"contact","interactionType":"SUBMITTED"}}
}

// The ID of a browser that the CDP does not know.
func ExampleClient_Show() {
	server := fakeCDP()
	defer server.Close()
	client, err := cdp.New(cdp.Direct{BaseURL: server.URL, ClientKey: "demoKey000", PointOfSale: "acme-shop"}, cdp.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = client.Show(context.Background(), "00000000-0000-4000-8000-000000000000")
	fmt.Println(err)
	// Output: cdp: show browser: browser unknown: status 404: invalid browser reference
}

func ExampleIdentity() {
	event := cdp.Identity{
		Identifiers: []cdp.Identifier{{ID: "ada@example.com", Provider: "email"}},
		FirstName:   "Ada",
		Country:     "IE",
	}.Event()
	site := cdp.Edge{ContextID: "ctx123", SiteName: "acme"}
	fmt.Println(event.Validate())
	fmt.Printf("%s\n", event.AppendJSON(nil, site))
	// Output:
	// <nil>
	// {"browser_id":"","type":"IDENTITY","client_key":"","pos":"","page":"","country":"IE","firstname":"Ada","identifiers":[{"id":"ada@example.com","provider":"email"}]}
}

func ExampleOrder() {
	event := cdp.Order{
		ReferenceID: "o-1001",
		OrderedAt:   time.Date(2026, 11, 23, 10, 15, 30, 0, time.UTC),
		Currency:    "EUR",
		Price:       129.9,
		PaymentType: "PayPal",
		Items: []cdp.OrderItem{
			{Type: "SHOE", ReferenceID: "o-1001-1", Price: 129.9, Name: "Trail 3", ProductID: "t3"},
		},
	}.Event()
	fmt.Println(event.Type, event.Validate())
	// Output: ORDER_CHECKOUT <nil>
}

// Every fault is reported at once, without the values.
func ExampleEvent_Validate() {
	event := cdp.Form("contact", "sent", "")
	event.Channel, event.Currency = "web", "EURO"
	fmt.Println(event.Validate())
	// Output:
	// cdp: event: channel must be in upper case, such as WEB or MOBILE_WEB
	// cdp: event: currency must be an ISO 4217 code in upper case
	// cdp: event: ext.interactionType must be VIEWED or SUBMITTED
}

func ExampleFlatten() {
	fmt.Println(cdp.Flatten(map[string]any{
		"brochure": map[string]any{"id": "b-17", "pages": 12, "note": nil},
		"printed":  false,
	}))
	// Output: [{brochure_id b-17} {brochure_pages 12} {printed false}]
}
