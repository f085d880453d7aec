package cdp_test

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// shop is the tenant of these examples.
var shop = cdp.Direct{Region: cdp.EU, ClientKey: "demoKey000", PointOfSale: "acme-shop"}

// sent is what the CDP would get of an event.
func sent(event cdp.Event) string {
	event.BrowserID = "6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"
	event.Channel, event.Language, event.Currency, event.Page = "WEB", "EN", "EUR", "tea"
	if err := event.Validate(); err != nil {
		return err.Error()
	}
	return string(event.AppendJSON(nil, shop))
}

// Of the page comes a VIEW, and of a goal an event of its own type.
func ExampleView() {
	fmt.Println(sent(cdp.View("tea")))
	// Output:
	// {"browser_id":"6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90","type":"VIEW","client_key":"demoKey000","pos":"acme-shop","channel":"WEB","language":"EN","currency":"EUR","page":"tea"}
}

func ExampleCustom() {
	fmt.Println(sent(cdp.Custom("BROCHURE_DOWNLOADED", cdp.Ext{{"file", "tea-guide"}, {"pages", 12}})))
	// Output:
	// {"browser_id":"6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90","type":"BROCHURE_DOWNLOADED","client_key":"demoKey000","pos":"acme-shop","channel":"WEB","language":"EN","currency":"EUR","page":"tea","ext":{"file":"tea-guide","pages":12}}
}

func ExampleSearch() {
	fmt.Println(sent(cdp.Search{ProductName: "sencha", ProductType: "TEA"}.Event()))
	// Output:
	// {"browser_id":"6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90","type":"SEARCH","client_key":"demoKey000","pos":"acme-shop","channel":"WEB","language":"EN","currency":"EUR","page":"tea","product_name":"sencha","product_type":"TEA"}
}

// A cart is an ADD for each product, then CONFIRM, PAYMENT and CHECKOUT, all in one
// session. CONFIRM names what was added.
func ExampleConfirm() {
	for _, event := range []cdp.Event{
		cdp.Product{
			Type: "TEA", ItemID: "sencha-100", Name: "Sencha, 100 g", ProductID: "sencha", ReferenceID: "line-1",
			OrderedAt: time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC), Price: 12.5, Currency: "EUR", Quantity: 2,
		}.Event(),
		cdp.Confirm("sencha-100"),
		cdp.Payment(cdp.PayCard),
		cdp.Checkout("o-1001", cdp.OrderPurchased),
	} {
		event.Channel, event.Language, event.Currency, event.Page = "WEB", "EN", "EUR", "checkout"
		fmt.Println(event.Type, event.Validate())
	}
	// Output:
	// ADD <nil>
	// CONFIRM <nil>
	// PAYMENT <nil>
	// CHECKOUT <nil>
}

func ExampleContacts() {
	event := cdp.Contacts(cdp.Identity{Email: "ada@example.com", FirstName: "Ada"})
	event.Channel, event.Language, event.Currency, event.Page = "WEB", "EN", "EUR", "checkout"
	fmt.Println(event.Type, event.Validate())
	// Output:
	// ADD_CONTACTS <nil>
}

// An ID makes a profile in the CDP, so it is asked for once for each browser and kept in
// the cookie of that name.
func ExampleClient_CreateBrowser() {
	server := fakeCDP()
	defer server.Close()
	site := cdp.Direct{BaseURL: server.URL, ClientKey: "demoKey000", PointOfSale: "acme-shop"}
	client, err := cdp.New(site, cdp.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	browser, err := client.CreateBrowser(context.Background())
	fmt.Println(site.CookieName(), browser.ID, err)
	// Output:
	// bid_demoKey000 6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90 <nil>
}

// The outcome of an error says whether to send again.
func ExampleOutcomeOf() {
	for _, err := range []error{
		nil,
		&cdp.Error{Outcome: cdp.SenderBad, Status: http.StatusUnauthorized},
		&cdp.Error{Outcome: cdp.NotProcessed, Status: http.StatusTooManyRequests, RetryAfter: time.Minute},
		context.DeadlineExceeded,
	} {
		fmt.Println(cdp.OutcomeOf(err))
	}
	// Output:
	// accepted
	// sender bad
	// not processed
	// unknown
}

func ExampleValidBrowserID() {
	fmt.Println(cdp.ValidBrowserID("6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"), cdp.ValidBrowserID("undefined"))
	// Output:
	// true false
}

func ExampleReserved() {
	fmt.Println(cdp.Reserved("VIEW"), cdp.Reserved("CONTACT_SENT"))
	// Output:
	// true false
}

func ExampleBaseURL() {
	fmt.Println(cdp.BaseURL(shop))
	fmt.Println(cdp.BaseURL(cdp.Edge{ContextID: "ctx123", SiteName: "acme"}))
	// Output:
	// https://api-engage-eu.sitecorecloud.io
	// https://edge-platform.sitecorecloud.io
}
