package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// question is something to ask a tenant.
type question struct {
	name string
	ask  func(context.Context, *visit) finding
}

// questions are asked in this order. The first one makes the ID that the others
// use, so none of them is asked without it.
var questions = []question{
	{"a browser ID", askCreate},
	{"a known ID", askShow},
	{"an event", askEvent},
	{"an event by GET", askGET},
	{"a wrong key", askWrongKey},
	{"another region", askRegion},
	{"an unknown ID", askUnknownID},
	{"a wrong point of sale", askPointOfSale},
	{"a time in the past", askPast},
	{"the same event twice", askTwice},
	{"51 attributes", askLimit("attributes", func(e map[string]any) {
		ext := map[string]any{}
		for i := range 51 {
			ext[fmt.Sprintf("a%d", i)] = i
		}
		e["ext"] = ext
	})},
	{"a list as attribute", askLimit("list", func(e map[string]any) { e["ext"] = map[string]any{"list": []int{1, 2}} })},
	{"10,000 characters", askLimit("length", func(e map[string]any) { e["ext"] = map[string]any{"long": strings.Repeat("x", 10_000)} })},
	{"another type", askAnotherType},
	{"a lower-case type", askLimit("lowercase", func(e map[string]any) { e["type"] = "goaltrack_doctor_limits" })},
	{"reading back", askReadBack},
	{"the length of a session", askSession},
	{"the visitor's address", askLocation},
	{"the time it takes", askTime},
}

func skip(why string) finding { return finding{Verdict: notAsked, Found: why} }

// askCreate makes the ID that the other questions need.
func askCreate(ctx context.Context, v *visit) finding {
	b, err := v.client.CreateBrowser(ctx)
	if err != nil {
		return v.trouble(err)
	}
	v.patient = b
	if b.Guest == "" {
		return finding{Verdict: otherwise, Found: v.last("made"), Advice: "the answer does not name the guest (customer_ref), so nothing can be read back"}
	}
	return finding{Verdict: asDocumented, Found: v.last("made")}
}

// askShow looks up the new ID. goaltrack does the same before it replaces an
// ID.
func askShow(ctx context.Context, v *visit) finding {
	b, err := v.client.Show(ctx, v.patient.ID)
	switch {
	case err != nil:
		return finding{Verdict: otherwise, Found: inWords(err), Advice: "an ID that the CDP has forgotten cannot be told from others: its visitor's events are held back"}
	case v.patient.Guest != "" && b.Guest != v.patient.Guest:
		return finding{Verdict: otherwise, Found: v.last("known, with another guest than when it was made")}
	}
	return finding{Verdict: asDocumented, Found: v.last("known")}
}

// askEvent sends what a goal sends.
func askEvent(ctx context.Context, v *visit) finding {
	if _, err := v.client.Send(ctx, v.event("an event")); err != nil {
		return v.trouble(err)
	}
	v.sent++
	return finding{Verdict: asDocumented, Found: v.last("accepted")}
}

// askGET sends the one form of request that doc.sitecore.com documents.
func askGET(ctx context.Context, v *visit) finding {
	direct, ok := v.site.(cdp.Direct)
	if !ok {
		return skip("the edge has no such call")
	}
	direct.Transport = cdp.GET
	client, err := v.as(direct)
	if err == nil {
		_, err = client.Send(ctx, v.event("an event by GET"))
	}
	if err != nil {
		return finding{Verdict: otherwise, Found: inWords(err), Advice: "keep cdp.Direct's default, POST"}
	}
	v.sent++
	return finding{Verdict: asDocumented, Found: v.last("accepted")}
}

// askWrongKey asks whether the CDP notices a mistyped key.
func askWrongKey(ctx context.Context, v *visit) finding {
	const no = "-goaltrack-doctor"
	var site cdp.Site
	switch s := v.site.(type) {
	case cdp.Direct:
		s.ClientKey += no
		site = s
	case cdp.Edge:
		s.ContextID += no
		site = s
	}
	return v.refusedKey(ctx, site, "a mistyped key is not noticed: watch in Sitecore that events arrive")
}

// askRegion asks whether the CDP notices a wrong region.
func askRegion(ctx context.Context, v *visit) finding {
	direct, ok := v.site.(cdp.Direct)
	if !ok || direct.Region == "" {
		return skip("no --region is given")
	}
	if direct.Region = cdp.US; v.site.(cdp.Direct).Region == cdp.US {
		direct.Region = cdp.EU
	}
	return v.refusedKey(ctx, direct, "a wrong region is not noticed: watch in Sitecore that events arrive")
}

// refusedKey expects 401 where the key does not belong.
func (v *visit) refusedKey(ctx context.Context, site cdp.Site, unnoticed string) finding {
	client, err := v.as(site)
	if err != nil {
		return skip(err.Error())
	}
	switch _, err = client.CreateBrowser(ctx); cdp.OutcomeOf(err) {
	case cdp.Accepted:
		return finding{Verdict: otherwise, Found: v.last("accepted"), Advice: unnoticed}
	case cdp.SenderBad:
		if v.transport.status == 401 {
			return finding{Verdict: asDocumented, Found: v.last("refused")}
		}
		return finding{Verdict: learned, Found: v.last("refused"), Advice: "documented is 401; goaltrack holds all events at this answer, too"}
	}
	return finding{Verdict: otherwise, Found: inWords(err), Advice: "documented is 401; goaltrack would try again and not say that the key is wrong"}
}

// askUnknownID asks whether goaltrack can help visitors whose ID the CDP has
// forgotten.
func askUnknownID(ctx context.Context, v *visit) finding {
	e := v.event("an unknown ID")
	e.BrowserID = newID()
	_, err := v.client.Send(ctx, e)
	sent := v.last("")
	_, showErr := v.client.Show(ctx, e.BrowserID)
	switch send, show := cdp.OutcomeOf(err), cdp.OutcomeOf(showErr); {
	case send == cdp.BrowserUnknown && show == cdp.BrowserUnknown:
		return finding{Verdict: asDocumented, Found: "refused as unknown" + sent}
	case send == cdp.Accepted:
		return finding{Verdict: otherwise, Found: "accepted" + sent, Advice: "documented is 404; goaltrack never replaces an ID here, which does no harm"}
	case send == cdp.BrowserUnknown:
		return finding{Verdict: otherwise, Found: "refused as unknown" + sent + ", but looking it up says: " + either(showErr, "it is known"), Advice: "goaltrack replaces no ID here; events of forgotten IDs are held back and given up"}
	}
	return finding{Verdict: otherwise, Found: inWords(err), Advice: "documented is 404 with NOT_FOUND; goaltrack takes this answer for another trouble"}
}

// askPointOfSale sends an event that, by the documentation, the CDP accepts and
// loses.
func askPointOfSale(ctx context.Context, v *visit) finding {
	var site cdp.Site
	switch s := v.site.(type) {
	case cdp.Direct:
		s.PointOfSale = "goaltrack-doctor-none"
		site = s
	case cdp.Edge:
		s.SiteName = "goaltrack-doctor-none"
		site = s
	}
	client, err := v.as(site)
	if err != nil {
		return skip(err.Error())
	}
	stray, err := v.client.CreateBrowser(ctx)
	if err != nil {
		return skip("there is no second browser ID to ask with: " + inWords(err))
	}
	e := v.event("a wrong point of sale")
	e.BrowserID = stray.ID
	if _, err := client.Send(ctx, e); err != nil {
		return finding{Verdict: otherwise, Found: inWords(err), Advice: "good: a mistyped point of sale is noticed here"}
	}
	v.stray = stray
	return finding{Verdict: asDocumented, Found: v.last("accepted, and by the documentation lost"), Advice: "a mistyped point of sale is not noticed: compare it letter by letter"}
}

// askPast sends an event with a time in the past. The edge SDKs send
// requested_at too, but always as now.
func askPast(ctx context.Context, v *visit) finding {
	past := time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04:05.000Z")
	f := v.sendAltered(ctx, "a time in the past", func(e map[string]any) {
		e["requested_at"] = past
		e["ext"].(map[string]any)["occurredAt"] = past
	})
	if f.Verdict == learned && f.Advice == "" {
		v.sent++
		f.Advice = "see in the Event viewer whether its time is " + past
	}
	return f
}

// askTwice sends an event a second time, with the same ID: is it counted once
// or twice?
func askTwice(ctx context.Context, v *visit) finding {
	e := v.event("the same event twice")
	e.Ext = append(e.Ext, cdp.Attr{Name: "eventId", Value: newID()})
	var refs [2]cdp.Receipt
	for i := range refs {
		var err error
		if refs[i], err = v.client.Send(ctx, e); err != nil {
			return finding{Verdict: learned, Found: fmt.Sprintf("accepted %d times, then: %s", i, inWords(err))}
		}
		v.sent++
	}
	if refs[0].Ref != "" && refs[0].Ref == refs[1].Ref {
		return finding{Verdict: learned, Found: v.last("accepted twice under one number"), Advice: "it seems to be counted once"}
	}
	return finding{Verdict: learned, Found: v.last("accepted twice"), Advice: "it is counted twice, as documented nowhere; whoever reads the data can tell by ext.eventId"}
}

// askLimit sends an event that goaltrack itself would not send.
func askLimit(about string, alter func(map[string]any)) func(context.Context, *visit) finding {
	return func(ctx context.Context, v *visit) finding {
		return v.sendAltered(ctx, about, func(e map[string]any) {
			// The event has its own type: the CDP no longer accepts an
			// attribute that has changed its type.
			e["type"] = "GOALTRACK_DOCTOR_LIMITS"
			alter(e)
		})
	}
}

// askAnotherType sends an attribute as a text and then as a number.
func askAnotherType(ctx context.Context, v *visit) finding {
	typed := func(value any) finding {
		return askLimit("type", func(e map[string]any) { e["ext"] = map[string]any{"changing": value} })(ctx, v)
	}
	typed("text")
	return typed(1)
}

// usualSession is the pause that ends a session if nothing else is set, here and in the
// tenant.
const usualSession = 20 * time.Minute

// askSession sends two events of one visitor, so far apart that they should be of two
// sessions. Only a person can see in Sitecore whether they are, because the documented
// interfaces do not tell.
func askSession(ctx context.Context, v *visit) finding {
	apart := v.asked.pause + time.Minute
	if !v.asked.askSession {
		f := skip(fmt.Sprintf("goaltrack takes a pause of %s for the end of a session (--session-length)", v.asked.pause))
		f.Advice = fmt.Sprintf("ask whoever looks after the tenant for its session timeout; --ask-session sends two events %s apart, to see it", apart)
		return f
	}
	visitor, err := v.client.CreateBrowser(ctx)
	if err != nil {
		return skip("there is no browser ID to ask with: " + inWords(err))
	}
	for i := range 2 {
		if i > 0 {
			v.sleep(ctx, apart)
		}
		e := v.event("the length of a session")
		e.BrowserID = visitor.ID
		if _, err := v.client.Send(ctx, e); err != nil {
			return finding{Verdict: learned, Found: fmt.Sprintf("accepted %d times, then: %s", i, inWords(err))}
		}
	}
	return finding{
		Verdict: learned, Found: fmt.Sprintf("accepted twice, %s apart, for the browser ID %s; %s", apart, visitor.ID, v.closeSession(ctx, visitor)),
		Advice: fmt.Sprintf("see in Sitecore whether these are two sessions; if they are one, the tenant's sessions are longer than --session-length, %s", v.asked.pause),
	}
}

// closeSession ends the session of a visitor of the doctor's own, so that nobody has to wait
// until the tenant ends it to see it. FORCE_CLOSE is on no list of Sitecore's, and is said to
// work in tenants for tests only, so that it may have no effect.
func (v *visit) closeSession(ctx context.Context, visitor cdp.Browser) string {
	e := v.event("the length of a session")
	e.Type, e.BrowserID = "FORCE_CLOSE", visitor.ID
	if _, err := v.client.Send(ctx, e); err != nil {
		return "FORCE_CLOSE, which would end the last session: " + inWords(err)
	}
	return "FORCE_CLOSE, which ends the last session in a tenant for tests, was accepted"
}

// places are the addresses of two root name servers, whose networks are registered in those
// countries (https://www.iana.org/domains/root/servers).
var places = []struct{ address, country string }{{"192.36.148.17", "Sweden"}, {"202.12.27.33", "Japan"}}

// askLocation sends an event from each of two places, as the relay does with ForwardIP. Only
// a person can see in Sitecore where the CDP says the visitors are: the documented interfaces
// do not tell for sure.
func askLocation(ctx context.Context, v *visit) finding {
	if !v.asked.askLocation {
		f := skip("the address of a visitor is not sent with their events")
		f.Advice = "if you want --relay-forward-ip of the proxy, --ask-location sends two events with addresses of other countries, to see what the tenant makes of them"
		return f
	}
	var told []string
	for _, p := range places {
		visitor, err := v.client.CreateBrowser(ctx)
		if err != nil {
			return skip("there is no browser ID to ask with: " + inWords(err))
		}
		e := v.event("the visitor's address")
		e.BrowserID = visitor.ID
		if _, err := v.client.PostFrom(ctx, e.AppendJSON(nil, v.site), "", p.address); err != nil {
			return finding{Verdict: learned, Found: "refused with X-Forwarded-For: " + inWords(err), Advice: "do not set --relay-forward-ip"}
		}
		told = append(told, fmt.Sprintf("%s (X-Forwarded-For %s, %s)", visitor.ID, p.address, p.country))
	}
	return finding{
		Verdict: learned, Found: "accepted for the browser IDs " + strings.Join(told, " and "),
		Advice: "see in Sitecore where these two guests are; if both are where this machine is, the tenant does not read the header, and --relay-forward-ip has no use",
	}
}

// sleep waits until two events are far enough apart, or until ctx ends.
func (v *visit) sleep(ctx context.Context, d time.Duration) {
	if v.asked.sleep != nil {
		v.asked.sleep(ctx, d)
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// sendAltered sends an event that was changed after package cdp wrote it,
// because package cdp would refuse it.
func (v *visit) sendAltered(ctx context.Context, about string, alter func(map[string]any)) finding {
	var members map[string]any
	if err := json.Unmarshal(v.event(about).AppendJSON(nil, v.site), &members); err != nil {
		return skip(err.Error())
	}
	alter(members)
	body, err := json.Marshal(members) // in the order of the names, of which browser_id is the first
	if err != nil {
		return skip(err.Error())
	}
	switch _, err := v.client.Post(ctx, body, ""); cdp.OutcomeOf(err) {
	case cdp.Accepted:
		return finding{Verdict: learned, Found: v.last("accepted")}
	case cdp.EventBad:
		return finding{Verdict: learned, Found: inWords(err), Advice: "goaltrack sends no such event"}
	default:
		return finding{Verdict: learned, Found: inWords(err), Advice: "an answer that says nothing about the event"}
	}
}

// askTime says how long the answers took so far.
func askTime(_ context.Context, v *visit) finding {
	n, median, longest := v.transport.times()
	if n == 0 {
		return skip("nothing was answered")
	}
	f := finding{Verdict: learned, Found: fmt.Sprintf("%d answers: half of them within %s, the longest %s", n, rounded(median), rounded(longest))}
	if longest > v.options.Timeout/2 {
		f.Advice = "a timeout below the CDP's own makes duplicates: raise Delivery.Timeout"
	}
	return f
}
