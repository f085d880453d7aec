package cdptest

import (
	"errors"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// handle does what the contract says for one request and returns the answer.
func (x *exchange) handle() reply {
	rep, no := x.obey()
	if no == nil {
		return rep
	}
	x.refused(no.reason)
	return no.reply(x.call)
}

// obey handles one request by the contract, or returns why it is refused.
func (x *exchange) obey() (reply, *refusal) {
	if x.call.kind == Others {
		return reply{}, refusef(http.StatusNotFound, "404 page not found: no such call of the stream API")
	}
	if x.r.Method != x.call.method {
		no := refusef(http.StatusMethodNotAllowed, "method %.20q is not allowed here, %s is", x.r.Method, x.call.method)
		no.allow = x.call.method
		return reply{}, no
	}
	if x.call.malformed != nil {
		return reply{}, refusef(http.StatusBadRequest, "malformed query: %w", x.call.malformed)
	}
	switch x.call.kind {
	case Creates:
		return x.create()
	case Shows:
		return x.show()
	case Reads:
		return x.read()
	default:
		return x.send()
	}
}

// create hands out a browser ID. Engage sends a parameter message={} that the documentation does
// not mention; only its syntax is checked.
func (x *exchange) create() (reply, *refusal) {
	if no := x.authorize(); no != nil {
		return reply{}, no
	}
	if x.call.query.Has("message") {
		if _, err := decodeObject([]byte(x.call.query.Get("message"))); err != nil {
			return reply{}, refusef(http.StatusBadRequest, "message: %w", err)
		}
	}
	id := newUUID()
	x.c.mu.Lock()
	guest := x.c.know(id)
	x.c.made.push(id)
	x.c.mu.Unlock()
	return okReply(http.StatusOK, x.call, map[string]any{"ref": id, "customer_ref": guest}), nil
}

// show returns the guest of a browser ID. The SDKs send the client key as api_token.
func (x *exchange) show() (reply, *refusal) {
	if no := x.authorize(); no != nil {
		return reply{}, no
	}
	if !x.call.edge && x.call.query.Get("api_token") != x.call.clientKey {
		return reply{}, refusef(http.StatusUnauthorized, "api_token must be the client key")
	}
	x.c.mu.Lock()
	guest, ok := x.c.known[x.call.browserID]
	x.c.mu.Unlock()
	if !ok {
		return reply{}, unknownBrowser(x.call.browserID)
	}
	return okReply(http.StatusOK, x.call, map[string]any{
		"ref": x.call.browserID, "customer": map[string]any{"ref": guest},
	}), nil
}

// read returns when a guest was last seen: by an event that was not lost. It is not documented
// which of its many members the real API sets at once.
func (x *exchange) read() (reply, *refusal) {
	key, token, _ := x.r.BasicAuth()
	if !knows(x.c.o.ClientKeys, key) || token == "" || x.c.o.APIToken != "" && token != x.c.o.APIToken {
		return reply{}, refusef(http.StatusUnauthorized, "client key and API token are missing or wrong")
	}
	x.c.mu.Lock()
	defer x.c.mu.Unlock()
	found, seen := false, time.Time{}
	for id, guest := range x.c.known {
		if found = guest == x.call.guest; !found {
			continue
		}
		for _, e := range x.c.events.live() {
			if e.BrowserID == id && !e.Lost {
				seen = e.Time
			}
		}
		break
	}
	if !found {
		return reply{}, refusef(http.StatusNotFound, "guest %.100q is not known", x.call.guest)
	}
	members := map[string]any{"ref": x.call.guest, "guestType": "VISITOR"}
	if !seen.IsZero() {
		members["lastSeen"] = seen.UTC().Format(time.RFC3339)
	}
	return jsonReply(http.StatusOK, members), nil
}

// send takes an event in.
func (x *exchange) send() (reply, *refusal) {
	raw, no := x.message()
	if no != nil {
		return reply{}, no
	}
	body, err := decodeObject(raw)
	if err != nil {
		return reply{}, refuse(http.StatusBadRequest, err)
	}
	if x.r.Method == http.MethodPost {
		x.call.clientKey, _ = body["client_key"].(string)
	}
	if no := x.authorize(); no != nil {
		return reply{}, no
	}
	if err := checkEvent(body); err != nil {
		return reply{}, refuse(http.StatusBadRequest, err)
	}
	e := x.event(body, raw)
	if no := x.c.take(e); no != nil {
		return reply{}, no
	}
	return okReply(http.StatusCreated, x.call, map[string]any{"ref": e.Ref}), nil
}

// message returns the event's JSON: the body of a POST, or a query parameter.
func (x *exchange) message() ([]byte, *refusal) {
	if x.r.Method != http.MethodPost {
		message := x.call.query.Get("message")
		if len(message) > maxBody {
			return nil, refusef(http.StatusRequestEntityTooLarge, "message is larger than 1 MB")
		}
		return []byte(message), nil
	}
	contentType := x.r.Header.Get("Content-Type")
	mediaType, params, err := mime.ParseMediaType(contentType)
	charset, given := params["charset"]
	switch {
	case err != nil || mediaType != "application/json" || given && !strings.EqualFold(charset, "utf-8"):
		return nil, refusef(http.StatusUnsupportedMediaType, "Content-Type %.100q, application/json is needed", contentType)
	case x.r.Header.Get("Content-Encoding") != "":
		return nil, refusef(http.StatusUnsupportedMediaType, "no Content-Encoding is supported")
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(x.bodyErr, &tooLarge) {
		return nil, refusef(http.StatusRequestEntityTooLarge, "the body is larger than 1 MB")
	}
	if x.bodyErr != nil {
		return nil, refuse(http.StatusBadRequest, errNoBody)
	}
	return x.req.Body, nil
}

// authorize checks the client key of a direct call, or the context of an edge call.
func (x *exchange) authorize() *refusal {
	if x.call.edge {
		if id := x.call.contextID(x.r.Header); !knows(x.c.o.ContextIDs, id) {
			return refusef(http.StatusUnauthorized, "context ID %.100q is missing or wrong", id)
		}
		return nil
	}
	if !knows(x.c.o.ClientKeys, x.call.clientKey) {
		return refusef(http.StatusUnauthorized, "client key %.100q is missing or wrong, or of another region", x.call.clientKey)
	}
	return nil
}

// knows reports whether name is one of names. If there are no names, any name is known that is
// not empty.
func knows(names []string, name string) bool {
	return name != "" && (len(names) == 0 || slices.Contains(names, name))
}

// event makes the record of an event.
func (x *exchange) event(body map[string]any, raw []byte) *Event {
	text := func(name string) string { s, _ := body[name].(string); return s }
	e := &Event{
		BrowserID: text("browser_id"), Type: text("type"), Page: text("page"), Channel: text("channel"),
		Language: text("language"), Currency: text("currency"), PointOfSale: text("pos"),
		UserAgent: x.r.UserAgent(), Body: body, Raw: raw, Ref: newUUID(),
		Method: x.r.Method, Path: x.r.URL.Path, Query: x.r.URL.RawQuery, Header: x.req.Header,
	}
	if ext, ok := body["ext"].(map[string]any); ok {
		e.Ext = maps.Clone(ext)
	}
	points := x.c.o.PointsOfSale
	if x.call.edge {
		e.PointOfSale, points = x.call.query.Get("siteId"), x.c.o.SiteNames
	}
	e.Lost = !knows(points, e.PointOfSale)
	return e
}
