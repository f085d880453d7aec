package relay

// reason is why a request was refused before it was an event of somebody. The tracker counts
// it under this name.
type reason string

const (
	reasonPath        reason = "relay_path"
	reasonMethod      reason = "relay_method"
	reasonOrigin      reason = "relay_origin"
	reasonSite        reason = "relay_site"
	reasonType        reason = "relay_type"
	reasonTooLarge    reason = "relay_too_large"
	reasonTooSlow     reason = "relay_too_slow"
	reasonBody        reason = "relay_body"
	reasonForeignID   reason = "relay_foreign_id"
	reasonIdentity    reason = "relay_identity"
	reasonResent      reason = "relay_resent"
	reasonBusy        reason = "relay_busy"
	reasonNoID        reason = "relay_no_id"
	reasonUncountable reason = "relay_not_counted"
	reasonUnreachable reason = "relay_unreachable"
	reasonAnswer      reason = "relay_answer"
)

// Reason is a reason why a relay refuses something.
type Reason struct {
	// Name is what the tracker's Snapshot counts it by, in Notes. It never changes.
	Name string
	// Status is the status of the answer.
	Status int
	// Text says it in words.
	Text string
}

var reasons = []Reason{
	{string(reasonPath), 404, "no SDK asks for that path"},
	{string(reasonMethod), 405, "no SDK asks for that path in that way"},
	{string(reasonOrigin), 403, "it does not come from a page of this origin"},
	{string(reasonSite), 403, "the client key, the point of sale, the context or the site does not belong to this host"},
	{string(reasonType), 415, "the body is not application/json, or is encoded"},
	{string(reasonTooLarge), 413, "the body has more than 32 KiB"},
	{string(reasonTooSlow), 408, "the body did not arrive in ten seconds, or not whole"},
	{string(reasonBody), 400, "the body is no JSON object as the SDKs send it"},
	{string(reasonForeignID), 400, "the browser ID is not the visitor's"},
	{string(reasonIdentity), 201, "the relay was not told to take IDENTITY"},
	{string(reasonResent), 201, "a browser sent the same request again"},
	{string(reasonBusy), 503, "too much is under way, of this visitor, of their network or of all"},
	{string(reasonNoID), 503, "no browser ID is ready, and none could be made in time"},
	{string(reasonUncountable), 403, "the visitor may not be counted, and the call would need it"},
	{string(reasonUnreachable), 504, "the CDP did not answer in time"},
	{string(reasonAnswer), 502, "the CDP answered with what no SDK can read"},
}

// Reasons lists why a relay refuses a request. Events that it takes have the tracker's own
// reasons: docs/reasons.md has them, and the Snapshot counts them under the goal "relayed". The
// list is the caller's.
func Reasons() []Reason { return append([]Reason(nil), reasons...) }

func (r reason) status() int {
	for i := range reasons {
		if reasons[i].Name == string(r) {
			return reasons[i].Status
		}
	}
	return 500
}
