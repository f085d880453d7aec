package cdptest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// A main program or an example mounts the stand-in on a server of its own.
// GET / of that server lists what arrived.
func ExampleNew() {
	c := cdptest.New(cdptest.Options{OnEvent: func(e cdptest.Event) { fmt.Println("arrived:", e.Type, e.Ext) }})
	server := httptest.NewServer(c)
	defer server.Close()

	client, err := cdp.New(cdp.Direct{BaseURL: server.URL, ClientKey: "demo", PointOfSale: "shop"}, cdp.Options{})
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
	goal := cdp.Custom("CONTACT_SENT", cdp.Ext{{Name: "topic", Value: "sales"}})
	goal.BrowserID = browser.ID
	_, err = client.Send(context.Background(), &goal)
	fmt.Println(err)
	// Output:
	// arrived: CONTACT_SENT map[topic:sales]
	// <nil>
}

// A test starts a stand-in, gives its site to the code under test, and says what has to arrive.
func ExampleNewServer() {
	t := &ending{} // in a test, the *testing.T
	defer t.end()

	s := cdptest.NewServer(t, cdptest.Options{})
	client, err := cdp.New(s.Direct(), cdp.Options{}) // the code under test
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
	contact := cdp.Custom("CONTACT_SENT", cdp.Ext{{Name: "topic", Value: "sales"}})
	contact.BrowserID = browser.ID
	_, _ = client.Send(context.Background(), &contact)

	event := s.Expect(t, "CONTACT_SENT").From(browser.ID).With("topic", "sales").Within(time.Minute).Once()
	fmt.Println(event.Type, event.Ext, event.Lost)
	s.Expect(t, "VIEW").Never()
	// Output: CONTACT_SENT map[topic:sales] false
}

// What a test says when something else arrived than it expected.
func ExampleCDP_Expect() {
	var t printing // in a test, the *testing.T
	c := cdptest.New(cdptest.Options{})
	contact := cdp.Custom("CONTACT_SENT", cdp.Ext{{Name: "topic", Value: "support"}})
	contact.Page = "contact"
	_ = send(c, demo, cdp.View("home"), contact)

	c.Expect(t, "VIEW").On("home").Once()
	c.Expect(t, "CONTACT_SENT").On("contact").With("topic", "sales").Once()
	// Output:
	// cdptest: expected 1 event CONTACT_SENT on page "contact" with topic="sales", found 0
	// nearest: 2., but topic is "support"
	// arrived: 2 events
	//   1. VIEW on page "home" from 6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90
	//   2. CONTACT_SENT on page "contact" with topic="support" from 6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90
}

// An event for a misspelt point of sale is answered 201, and lost.
func ExampleOptions() {
	c := cdptest.New(cdptest.Options{PointsOfSale: []string{"Shop"}})
	err := send(c, demo, cdp.View("home"))
	fmt.Println(err, c.Events()[0].PointOfSale, c.Events()[0].Lost)
	// Output: <nil> shop true
}

// Faults are played in order: the first event is refused and may be sent again,
// the connection of the second breaks after it was taken in, the third is fine.
func ExampleCDP_Fault() {
	c := cdptest.New(cdptest.Options{})
	c.Fault(
		cdptest.Status(503).RetryAfter("2").On(cdptest.Sends).Times(1),
		cdptest.ResetAfter().On(cdptest.Sends).Times(1),
	)
	for range 3 {
		fmt.Println(cdp.OutcomeOf(send(c, demo, cdp.View("home"))), len(c.Events()))
	}
	// Output:
	// not processed 0
	// unknown 1
	// accepted 2
}

// Goals are sent in the background: wait for them instead of sleeping.
func ExampleCDP_WaitEvents() {
	c := cdptest.New(cdptest.Options{})
	done := make(chan error)
	go func() { done <- send(c, demo, cdp.View("home"), cdp.View("pricing")) }()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	events, err := c.WaitEvents(ctx, 2)
	fmt.Println(len(events), err)
	fmt.Println(<-done)
	// Output:
	// 2 <nil>
	// <nil>
}

// printing stands for the *testing.T of a test, so that its failure can be shown.
type printing struct{ testing.TB }

func (printing) Helper() {}

func (printing) Errorf(format string, a ...any) { fmt.Printf(format+"\n", a...) }

// ending stands for a *testing.T, too, and does what NewServer leaves for its end.
type ending struct {
	printing
	cleanups []func()
}

func (e *ending) Cleanup(f func()) { e.cleanups = append(e.cleanups, f) }

func (e *ending) end() {
	for _, f := range e.cleanups {
		f()
	}
}

// demo is the site of the examples.
func demo(url string) cdp.Direct {
	return cdp.Direct{BaseURL: url, ClientKey: "demo", PointOfSale: "shop"}
}

// send stands for the code under test: it sends events to c under a known
// browser ID.
func send(c *cdptest.CDP, site func(url string) cdp.Direct, events ...cdp.Event) error {
	server := httptest.NewServer(c)
	defer server.Close()
	client, err := cdp.New(site(server.URL), cdp.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	c.Know(visitor)
	for _, e := range events {
		e.BrowserID = visitor
		_, failed := client.Send(context.Background(), &e)
		err = errors.Join(err, failed)
	}
	return err
}

const visitor = "6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"
