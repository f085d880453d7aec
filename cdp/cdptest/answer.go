package cdptest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
)

// reply is what goes back for one request.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// apiVersion is the version in every answer of the stream API.
const apiVersion = "1.2"

func jsonReply(status int, members map[string]any) reply {
	body, _ := json.Marshal(members) //nolint:errchkjson // strings only
	return reply{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: body}
}

// okReply has the members of every successful answer, and more, those of the one call. The
// name of the client key depends on the call.
func okReply(status int, call *call, more map[string]any) reply {
	members := map[string]any{"status": "OK", "version": apiVersion, call.keyName(): call.clientKey}
	maps.Copy(members, more)
	return jsonReply(status, members)
}

// refusal is an answer that is not OK, with the reason.
type refusal struct {
	status int
	reason string
	allow  string // the Allow header of a 405
}

func refuse(status int, err error) *refusal {
	// The reason is one line, but errors.Join puts every fault on its own.
	return &refusal{status: status, reason: strings.ReplaceAll(err.Error(), "\n", "; ")}
}

func refusef(status int, format string, a ...any) *refusal {
	return refuse(status, fmt.Errorf(format, a...))
}

// unknownBrowser is the answer for an ID that is not known: status NOT_FOUND, and a message
// about the browser reference. On it the Boxever script drops its stored ID and starts over.
func unknownBrowser(id string) *refusal {
	return refusef(http.StatusNotFound, "invalid browser reference %.100q: this ID is not known", id)
}

var errNoBody = errors.New("the request body cannot be read")

// reply has the members that the SDKs declare for failures. Their status is a word.
func (no *refusal) reply(call *call) reply {
	if call.kind == Others {
		return reply{
			status: no.status,
			header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
			body:   []byte(no.reason + "\n"),
		}
	}
	rep := jsonReply(no.status, map[string]any{
		"status":       statusWord(no.status),
		"version":      apiVersion,
		call.keyName(): call.clientKey,
		"error_msg":    no.reason,
		"moreInfo":     "",
	})
	if no.allow != "" {
		rep.header.Set("Allow", no.allow)
	}
	return rep
}

// statusWord turns 404 into NOT_FOUND.
func statusWord(status int) string {
	return strings.ToUpper(strings.ReplaceAll(http.StatusText(status), " ", "_"))
}

// newUUID makes a random UUID (RFC 9562, version 4), the form of browser IDs.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
