package cdp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Version is the version of this package. It is a part of the default User-Agent and of the
// header X-Client-Software-ID.
const Version = "0.1.0"

// maxURL bounds the URL of an event sent with [GET], in bytes. Sitecore publishes no limit;
// common servers and load balancers refuse a longer request line.
const maxURL = 8 << 10

// maxUserAgent bounds the part of a visitor's User-Agent that is passed on, in bytes.
const maxUserAgent = 512

// Options are a [Client]'s settings. The zero value is fit for use. [New] reports what is
// out of range.
type Options struct {
	// HTTPClient lends its Transport and, if it is shorter than ours, its Timeout.
	// Default: a transport made by [NewTransport].
	//
	// Its CheckRedirect is not used: no redirect is followed, since a POST answered 302
	// would become an empty GET and look delivered. Nor is its cookie jar: one visitor's
	// cookie would travel with another's event. If its transport calls no hooks of
	// net/http/httptrace, most errors of the transport are Unknown.
	HTTPClient *http.Client

	// UserAgent is our product's name. It is sent where no visitor's User-Agent is
	// known. Default: "goaltrack-cdp/" and [Version].
	UserAgent string

	// Workers is how many connections to the CDP are kept, and how many requests may be
	// under way; further ones wait. It has no effect on the transport of an HTTPClient.
	// A negative number is a fault. Default: 16.
	Workers int

	// Timeout is how long one event may take, from dialing to the end of the answer. A
	// negative time is a fault. Default: 10 s.
	Timeout time.Duration

	// CreateTimeout is the same for CreateBrowser and Show. Default: 5 s.
	CreateTimeout time.Duration
}

// A Client talks to one site. It never retries and never pauses: that is for its caller to
// decide, by the [Outcome]. All methods are safe for concurrent use. Make it with [New].
type Client struct {
	site          Site
	ends          endpoints
	post          *http.Request     // what all events sent with POST have in common
	transport     http.RoundTripper // without an http.Client, which would follow redirects
	key           any               // what its requests are counted by
	userAgent     string
	timeout       time.Duration
	createTimeout time.Duration
}

// New returns a client for site, or an error that joins every fault of the site and the
// options. A pointer to a site is fine, a nil one is a fault. New makes no connection.
func New(site Site, o Options) (*Client, error) {
	site, err := plain(site)
	if err != nil {
		return nil, err
	}
	errs := []error{site.Validate()}
	if o.Workers < 0 {
		errs = append(errs, errors.New("cdp: Options.Workers is negative"))
	}
	if o.Timeout < 0 || o.CreateTimeout < 0 {
		errs = append(errs, errors.New("cdp: Options has a negative timeout"))
	}
	if o.UserAgent != "" && !headerText(o.UserAgent) {
		errs = append(errs, errors.New("cdp: Options.UserAgent has characters a header cannot have"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c := &Client{
		site:          site,
		ends:          site.endpoints(),
		userAgent:     either(o.UserAgent, "goaltrack-cdp/"+Version),
		timeout:       orDefault(o.Timeout, 10*time.Second),
		createTimeout: orDefault(o.CreateTimeout, 5*time.Second),
	}
	if h := o.HTTPClient; h != nil {
		c.transport = h.Transport
		if h.Timeout > 0 {
			c.timeout = min(c.timeout, h.Timeout)
			c.createTimeout = min(c.createTimeout, h.Timeout)
		}
	}
	if c.transport == nil {
		own := NewTransport(orDefault(o.Workers, 16))
		// Whoever gives a slow CDP more time gives it to the header, too.
		own.ResponseHeaderTimeout = max(own.ResponseHeaderTimeout, max(c.timeout, c.createTimeout)/10*8)
		c.transport = own
	}
	c.key = c.trafficKey()
	if c.post, err = c.newRequest("send event", http.MethodPost, c.ends.events); err != nil {
		return nil, err
	}
	return c, nil
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// Close closes idle connections, without a wait. If requests are under way, of this client or
// of another with the same transport, they go on, and the connections are closed when the
// last of them was answered. The client can still be used.
func (c *Client) Close() { underWay.closeIdle(c.key, c.transport) }

// A Receipt is the CDP's answer to an accepted event. Both members may be empty: an answer
// without a readable body accepts the event, too.
type Receipt struct {
	Ref   string // the ID that the CDP gave the event
	Guest string // the guest that the event belongs to, if the answer says so
}

// A Browser is an ID and the guest profile it belongs to.
type Browser struct {
	ID    string // the browser ID, a UUID
	Guest string // the guest's ref; "" if the answer does not have it
}

// CreateBrowser asks the CDP for a new browser ID (doc.sitecore.com, page "bx-browsercreate").
// Each call makes a guest profile in the tenant. So call it only for people, and only when
// the ID will be used.
//
// An error is an [*Error]. A 2xx without an ID has the outcome Unknown. A refusal has the
// outcome SenderBad, since there is no event at fault.
func (c *Client) CreateBrowser(ctx context.Context) (Browser, error) {
	const op = "create browser"
	req, err := c.newRequest(op, http.MethodGet, c.ends.create)
	if err != nil {
		return Browser{}, err
	}
	a, err := c.do(ctx, req, op, c.createTimeout)
	if err != nil {
		return Browser{}, err
	}
	o := noEvent(a.outcome())
	if o == BrowserUnknown {
		o = SenderBad // no ID was asked about
	}
	return a.browser(op, o)
}

// Show looks a browser ID up. For an ID that the CDP does not know, the error is an [*Error]
// with the outcome BrowserUnknown. For one that is not a UUID it is a [*FieldError], and the
// CDP is not asked. Sitecore's SDKs use this call; doc.sitecore.com does not describe it.
func (c *Client) Show(ctx context.Context, browserID string) (Browser, error) {
	const op = "show browser"
	if !ValidBrowserID(browserID) {
		return Browser{}, &FieldError{Field: "browser_id", Problem: "must be a UUID of 36 characters"}
	}
	req, err := c.newRequest(op, http.MethodGet, c.ends.show+browserID+c.ends.suffix)
	if err != nil {
		return Browser{}, err
	}
	a, err := c.do(ctx, req, op, c.createTimeout)
	if err != nil {
		return Browser{}, err
	}
	o := noEvent(a.outcome())
	if asked := a.status/100 == 2 || a.status == http.StatusBadRequest; asked && o != Accepted && a.unknownBrowser() {
		o = BrowserUnknown
	}
	return a.browser(op, o)
}

// noEvent corrects the outcome of a request that has no event: a refusal of it says that our
// settings are wrong.
func noEvent(o Outcome) Outcome {
	if o == EventBad {
		return SenderBad
	}
	return o
}

// Send validates the event, which must have a browser ID, and sends it once. The User-Agent
// is the client's own. Where the visitor's is known, use [Event.AppendJSON] and [Client.Post].
//
// A fault of the event is a [*FieldError], and nothing is sent. Any other error is an
// [*Error]. [OutcomeOf] says what either means. Send does not change the event.
func (c *Client) Send(ctx context.Context, e *Event) (Receipt, error) {
	err := e.Validate()
	if e != nil && e.BrowserID == "" {
		err = errors.Join(&FieldError{Field: "browser_id", Problem: "is required to send"}, err)
	}
	if err != nil {
		return Receipt{}, err
	}
	return c.Post(ctx, e.AppendJSON(make([]byte, 0, 512), c.site), "")
}

// Post sends a body made by [Event.AppendJSON] for the client's site, once. A body that was
// not made so, or that has no valid browser ID, is refused as EventBad and not sent.
//
// The visitorUserAgent is sent as the User-Agent, because Go's own would look like a bot and
// hide the device. Characters that a header cannot carry are left out, and so is what goes
// beyond 512 bytes. "" sends the client's own. The visitor's IP address is not sent.
//
// Any 2xx is a success, whatever the body, unless its JSON reads like an error. For any other
// result the error is an [*Error]. Do not change body afterwards: the transport may still read
// it when an answer has come early.
func (c *Client) Post(ctx context.Context, body []byte, visitorUserAgent string) (Receipt, error) {
	return c.PostFrom(ctx, body, visitorUserAgent, "")
}

// PostFrom is [Client.Post] that also says from which address the visitor came, in
// X-Forwarded-For. Nothing public says that the CDP reads it. Text that is not an
// address is not sent.
func (c *Client) PostFrom(ctx context.Context, body []byte, visitorUserAgent, visitorAddress string) (Receipt, error) {
	const op = "send event"
	if err := checkBody(body); err != nil {
		return Receipt{}, &Error{Op: op, Outcome: EventBad, Err: err}
	}
	var req *http.Request
	if c.ends.inQuery {
		target := c.ends.events + escape(string(body))
		if len(target) > maxURL {
			return Receipt{}, &Error{
				Op: op, Outcome: EventBad,
				Err: fmt.Errorf("the URL would have %d bytes, more than %d: send it with POST", len(target), maxURL),
			}
		}
		var err error
		if req, err = c.newRequest(op, http.MethodGet, target); err != nil {
			return Receipt{}, err
		}
	} else {
		post := c.newPost(body)
		req = &post
	}
	if ua := userAgent(visitorUserAgent); ua != "" {
		req.Header["User-Agent"] = []string{ua}
	}
	if visitorAddress != "" {
		if a, err := netip.ParseAddr(visitorAddress); err == nil {
			req.Header["X-Forwarded-For"] = []string{a.WithZone("").String()}
		}
	}
	a, err := c.do(ctx, req, op, c.timeout)
	if err != nil {
		return Receipt{}, err
	}
	if o := a.outcome(); o != Accepted {
		return Receipt{}, a.fail(op, o)
	}
	return Receipt{Ref: clean(a.ref), Guest: clean(a.guest)}, nil
}

// checkBody refuses what can only be a mistake. The edge is not known to refuse an empty ID:
// the official SDKs send one when the cookie is missing.
func checkBody(body []byte) error {
	rest, ok := bytes.CutPrefix(body, []byte(`{"browser_id":"`))
	switch {
	case !ok:
		return errors.New("the body was not made by AppendJSON")
	case len(rest) < 36 || !isBrowserID(rest[:36]):
		return errors.New("the body has no valid browser ID")
	}
	return nil
}

// newRequest makes a request with the headers that all have in common. Like the SDKs, this
// package names itself in X-Client-Software-ID, although the CDP does not ask for it. So it
// can be found in an access log when the User-Agent is a visitor's.
func (c *Client) newRequest(op, method, url string) (*http.Request, error) {
	req, err := http.NewRequest(method, url, nil) //nolint:noctx // See do.
	if err != nil {
		return nil, &Error{Op: op, Outcome: NotProcessed, Err: err}
	}
	req.Header = http.Header{
		"Accept":               {"application/json"},
		"User-Agent":           {c.userAgent},
		"X-Client-Software-Id": {"goaltrack " + Version},
	}
	if method == http.MethodPost {
		req.Header["Content-Type"] = []string{"application/json"}
	}
	if c.ends.contextID != "" {
		req.Header["X-Sitecore-Contextid"] = []string{c.ends.contextID}
	}
	return req, nil
}

// newPost does what newRequest does for a POST, with the URL and the header made once for
// all. Each request has copies of them, because some transports change a request although
// they must not.
func (c *Client) newPost(body []byte) http.Request {
	req := *c.post
	target := *c.post.URL
	req.URL, req.Header = &target, maps.Clone(c.post.Header)
	// net/http knows that a NopCloser of a *bytes.Reader is in memory, and writes it
	// together with the header. With GetBody, the transport can use another connection
	// for an event of which nothing was written.
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body = io.NopCloser(bytes.NewReader(body))
	return req
}

// do makes one attempt and reads the answer. The error is an *Error.
func (c *Client) do(caller context.Context, req *http.Request, op string, timeout time.Duration) (answer, error) {
	if err := caller.Err(); err != nil {
		return answer{}, &Error{Op: op, Outcome: NotProcessed, Err: err}
	}
	ctx, stop := context.WithCancelCause(caller)
	defer stop(nil)
	begin := time.Now()
	end := time.AfterFunc(timeout, func() { stop(context.DeadlineExceeded) })
	defer end.Stop()
	p := progress{stop: stop}
	res, err := c.roundTrip(req.WithContext(p.trace(ctx, req.Body != nil)))
	if err == nil && (res == nil || res.Body == nil) {
		err = errors.New("the transport returned neither an answer nor an error")
	}
	if cause := context.Cause(ctx); err != nil && cause != nil && caller.Err() == nil {
		err = cause // rather than the error of the connection that was closed for it
	}
	if err != nil {
		e := failed(op, err, &p)
		e.Err = withContext(caller, e.Err)
		return answer{}, e
	}
	defer res.Body.Close()
	// The status is here and says nearly everything. A server whose body comes in drops
	// must not hold the connection for the rest of the time.
	end.Reset(min(timeout-time.Since(begin), bodyTimeout))
	return readAnswer(res), nil
}

// bodyTimeout is how long the body of an answer may take after its header.
const bodyTimeout = 2 * time.Second

// userAgent makes a visitor's User-Agent fit for a header.
func userAgent(s string) string {
	s = s[:min(len(s), maxUserAgent)]
	if headerText(s) {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7F {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}

// headerText reports whether s has only what RFC 9110 allows in a field value.
func headerText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7F {
			return false
		}
	}
	return true
}
