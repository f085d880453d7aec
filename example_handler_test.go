package goaltrack_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// A handler raises a goal that no address tells of, with what only it knows.
func ExampleTracker_Trigger() {
	rules, err := goaltrack.NewRules(goaltrack.Goal{Name: "CART_ABANDONED", Code: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, Rules: rules, DryRun: true, BeforeSend: func(e *cdp.Event) bool {
		fmt.Println(e.Type, e.Ext)
		return true
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := tracker.Trigger(r, "CART_ABANDONED", goaltrack.Data{"items": 3}); err != nil {
			slog.Error("goal not taken in", "error", err)
		}
		fmt.Println(tracker.Trigger(r, "CART_LOST", nil))
	})
	ask(tracker.Handler(site), http.MethodPost, "/cart/empty", nil)
	// Output:
	// CART_ABANDONED [{items 3}]
	// goaltrack: unknown goal: CART_LOST
}

// A log-in: the application has checked the password, so it knows who this is.
func ExampleTracker_Identify() {
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, DryRun: true, BeforeSend: func(e *cdp.Event) bool {
		fmt.Println(e.Type, e.Fields["identifiers"], e.Fields["firstname"])
		return true
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := tracker.Identify(r, cdp.Identity{
			Identifiers: []cdp.Identifier{{ID: "Ada@Example.com", Provider: "email"}}, // as the tenant's identity rule
			Email:       "Ada@Example.com", FirstName: "Ada",
		})
		if err != nil {
			slog.Error("identity not taken in", "error", err)
		}
		fmt.Println(tracker.Identify(r, cdp.Identity{FirstName: "Ada"}))
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	})
	ask(tracker.Handler(site), http.MethodPost, "/login", nil)
	// Output:
	// IDENTITY [{ada@example.com email }] Ada
	// goaltrack: invalid: cdp: event: identifiers is required
}

// While the page is made, the visitor's ID goes into whatever the page asks
// for; and into the request's cookies, if something reads it there.
func ExampleTracker_BrowserID() {
	shop := cdptest.New(cdptest.Options{}) // stands in for the CDP
	server := httptest.NewServer(shop)
	defer server.Close()
	site := cdp.Direct{BaseURL: server.URL, ClientKey: "sndbx123", PointOfSale: "shop.example"}
	tracker, err := goaltrack.New(goaltrack.Config{Sites: []goaltrack.Site{{CDP: site}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	defer func() { _, _ = tracker.Close(ctx) }()
	if err := tracker.Ready(ctx); err != nil { // the first visitor, too, is to have an ID
		fmt.Println(err)
		return
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := tracker.BrowserID(r)
		r.AddCookie(&http.Cookie{Name: site.CookieName(), Value: id})
		_, err := r.Cookie("bid_sndbx123")
		fmt.Println("an ID:", cdp.ValidBrowserID(id), "in the request:", err == nil)
		fmt.Fprint(w, "<!doctype html><h1>Hello</h1>")
	})
	answer := ask(tracker.Handler(page), http.MethodGet, "/", nil)
	fmt.Println("in the answer:", strings.HasPrefix(answer.Header().Get("Set-Cookie"), "bid_sndbx123="))
	// Output:
	// an ID: true in the request: true
	// in the answer: true
}

// A payment provider's webhook tells of a payment when the visitor is gone. Their
// browser ID was kept with the order.
func ExampleTracker_Send() {
	rules, err := goaltrack.NewRules(goaltrack.Goal{Name: "ORDER_PAID", Code: true, Value: goaltrack.Value{From: "$app.total"}, Data: map[string]any{"orderId": "$app.orderId"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, Rules: rules, DryRun: true, BeforeSend: func(e *cdp.Event) bool {
		fmt.Println(e.Type, "of", e.BrowserID)
		return true
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	type order struct{ number, browserID string }
	paid := order{"A-1001", "7f3d1c52-0c6b-4f6a-9a8e-2b1d5d1f0a11"}

	err = tracker.Send(context.Background(), goaltrack.Visitor{BrowserID: paid.browserID}, "ORDER_PAID", goaltrack.Data{"orderId": paid.number, "total": 129.9})
	fmt.Println(err)
	err = tracker.Send(context.Background(), goaltrack.Visitor{BrowserID: "anonymous"}, "ORDER_PAID", nil)
	fmt.Println(errors.Is(err, goaltrack.ErrInvalid))
	// Output:
	// ORDER_PAID of 7f3d1c52-0c6b-4f6a-9a8e-2b1d5d1f0a11
	// <nil>
	// true
}

// A handler that answers 200 either way says which forms it accepted. It is in a
// better place than a rule that would have to read the page.
func ExampleTracker_Confirm() {
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, DryRun: true, Rules: mustRules(
		goaltrack.Goal{Name: "SIGNED_UP", Submit: goaltrack.Submit{Path: "/signup"}, Success: "confirmed"},
	)})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("email") == "" {
			fmt.Fprint(w, "<!doctype html><p>We need your address.")
			return
		}
		if err := tracker.Confirm(r, "SIGNED_UP"); err != nil { // only if no rule has that name
			slog.Error("goal not confirmed", "error", err)
		}
		fmt.Fprint(w, "<!doctype html><p>Welcome!")
	})
	handler := tracker.Handler(site)
	ask(handler, http.MethodPost, "/signup", url.Values{})
	ask(handler, http.MethodPost, "/signup", url.Values{"email": {"ada@example.com"}})
	goal := tracker.Snapshot().Goals[0]
	fmt.Println(goal.Goal, "fired", goal.Fired, "not", goal.NotFired)
	// Output: SIGNED_UP fired 1 not map[not_confirmed:1]
}

// The application redirects after every form, also after one that it takes for
// spam. It says so, and that form does not count.
func ExampleTracker_Reject() {
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, DryRun: true, Rules: contactRules()})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.FormValue("message"), "cheap watches") {
			if err := tracker.Reject(r, "CONTACT_SENT"); err != nil {
				slog.Error("goal not rejected", "error", err)
			}
		}
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	})
	handler := tracker.Handler(site)
	ask(handler, http.MethodPost, "/contact", url.Values{"message": {"cheap watches"}})
	ask(handler, http.MethodPost, "/contact", url.Values{"message": {"Do you deliver to Graz?"}})
	goal := tracker.Snapshot().Goals[0]
	fmt.Println(goal.Goal, "fired", goal.Fired, "not", goal.NotFired)
	// Output: CONTACT_SENT fired 1 not map[rejected_by_handler:1]
}

// Only the application knows the total of an order. The rule reads it as
// $app.total.
func ExampleTracker_Set() {
	rules := mustRules(goaltrack.Goal{
		Name:   "ORDER_PLACED",
		Submit: goaltrack.Submit{Path: "/checkout"},
		Value:  goaltrack.Value{From: "$app.total"},
		Data:   map[string]any{"first": "$app.first"},
	})
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, Rules: rules, DryRun: true, BeforeSend: func(e *cdp.Event) bool {
		fmt.Println(e.Type, e.Ext)
		return true
	}, NoEventID: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for key, value := range map[string]any{"total": 129.9, "first": true} {
			if err := tracker.Set(r, key, value); err != nil {
				slog.Error("value not taken in", "error", err)
			}
		}
		fmt.Println(tracker.Set(r, "total", struct{ Euros int }{129}) != nil)
		http.Redirect(w, r, "/orders/7", http.StatusSeeOther)
	})
	ask(tracker.Handler(site), http.MethodPost, "/checkout", url.Values{})
	// Output:
	// true
	// ORDER_PLACED [{first true} {goalValue 129.9} {goalCurrency EUR}]
}

// The application shows one of two variants of a page, and SitecoreAI counts which of them led
// to more. So the VIEW of the page names the variant.
func ExampleTracker_SetVariant() {
	tracker, err := goaltrack.New(goaltrack.Config{Sites: exampleSites, DryRun: true, Views: goaltrack.ViewsServer, BeforeSend: func(e *cdp.Event) bool {
		fmt.Println(e.Type, e.Page, e.Ext)
		return true
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := tracker.SetVariant(r, "summer_offer"); err != nil {
			slog.Error("variant not taken", "error", err)
		}
		fmt.Println(tracker.SetVariant(r, "summer offer"))
		fmt.Fprint(w, "<!doctype html><h1>Iced tea</h1>")
	})
	ask(tracker.Handler(page), http.MethodGet, "/offers", nil)
	// Output:
	// goaltrack: invalid: "summer offer" is not a variant ID: 1 to 200 letters, digits and -_.:{}
	// VIEW offers [{pageVariantId summer_offer}]
}
