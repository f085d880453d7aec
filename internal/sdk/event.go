package sdk

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/queue"
)

// AppendJSON writes the event in the layout that [cdp.Event.AppendJSON] promises: the browser
// ID first and ext last. What the script said stays as it is.
func (e *Event) AppendJSON(dst []byte, browserID string) []byte {
	dst = append(append(append(dst, `{"browser_id":"`...), browserID...), '"')
	dst = append(dst, e.Rest...)
	if e.Attributes > 0 {
		dst = append(append(append(dst, `,"ext":{`...), e.Ext...), '}')
	}
	return append(dst, '}')
}

// Priority is that of the event in the queue: page views are refused first when it fills,
// and what says who somebody is, or what they bought, last.
func (e *Event) Priority() queue.Priority {
	switch e.Type {
	case "VIEW":
		return queue.Low
	case "IDENTITY", "ORDER_CHECKOUT", "CHECKOUT":
		return queue.High
	}
	return queue.Normal
}

// CDP is the event as one of package cdp, for those who look at it.
func (e *Event) CDP(browserID string) cdp.Event {
	ext, beside := e.Values()
	own := cdp.Event{Type: e.Type, BrowserID: browserID}
	for name, into := range map[string]*string{
		"page": &own.Page, "language": &own.Language, "currency": &own.Currency, "channel": &own.Channel, "pos": &own.PointOfSale, "referrer": &own.Referrer,
	} {
		if text, ok := beside[name].(string); ok {
			*into = text
			delete(beside, name)
		}
	}
	if text, ok := beside["requested_at"].(string); ok {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			own.RequestedAt = at
		}
	}
	for _, name := range slices.Sorted(maps.Keys(beside)) {
		switch {
		case strings.HasPrefix(name, "utm_"):
			own.UTM = append(own.UTM, cdp.Attr{Name: name, Value: beside[name]})
		case slices.Contains([]string{"type", "client_key", "requested_at"}, name):
		default:
			if own.Fields == nil {
				own.Fields = make(map[string]any)
			}
			own.Fields[name] = beside[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(ext)) {
		own.Ext = append(own.Ext, cdp.Attr{Name: name, Value: ext[name]})
	}
	return own
}
