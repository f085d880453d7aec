package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/internal/loopback"
	"github.com/goaltrack/goaltrack/metrics"
	reports "github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/live"
	"github.com/goaltrack/goaltrack/report/web"
)

// admin is the face of the proxy for those who run it: the report, the state of delivery,
// metrics and health, at an address of its own.
type admin struct {
	listener net.Listener
	server   *http.Server
	metrics  *metrics.Metrics
	live     *live.List // the last decisions
}

// leastPassword is how many characters a password for the face has at least.
const leastPassword = 12

// leastToken is how many characters a token for the feed has at least, as package web asks.
const leastToken = 16

// adminAccess says who may look.
type adminAccess struct {
	password  [sha256.Size]byte // of the file, if secured by one
	byFile    bool
	header    string         // set by a proxy in front for those who are logged in
	believed  []netip.Prefix // the proxies in front
	localOnly bool           // neither: who is on this machine may look
	hosts     []string       // names by which the pages may be reached, in lower case
	feedToken string         // opens the feed and nothing else, "" for none
}

// adminAccessOf reads who may look. It returns an error if everybody could.
func adminAccessOf(v *settings.Values) (*adminAccess, error) {
	address := v.Text("admin")
	if address == "" {
		return nil, nil
	}
	a := &adminAccess{header: v.Text("admin-trust-header"), believed: v.Networks("trusted-proxies"), feedToken: v.Text("admin-feed-token")}
	for _, name := range v.List("admin-hosts") {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" || strings.ContainsAny(name, "/:* ") {
			return nil, fmt.Errorf("%s: %q is not the name of a host, such as goals.example", v.From("admin-hosts"), name)
		}
		a.hosts = append(a.hosts, name)
	}
	if a.feedToken != "" && len(a.feedToken) < leastToken {
		return nil, fmt.Errorf("%s: the token has less than %d characters", v.From("admin-feed-token"), leastToken)
	}
	if name := v.Text("admin-password-file"); name != "" {
		text, err := os.ReadFile(name) //nolint:gosec // The operator names it.
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.From("admin-password-file"), err)
		}
		password := strings.TrimSpace(string(text))
		if len(password) < leastPassword {
			return nil, fmt.Errorf("%s: the password in %s has less than %d characters", v.From("admin-password-file"), name, leastPassword)
		}
		a.password, a.byFile = sha256.Sum256([]byte(password)), true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %q is not an address such as 127.0.0.1:9090", v.From("admin"), address)
	}
	if host != "" {
		a.hosts = append(a.hosts, strings.ToLower(host))
	}
	if a.byFile || a.header != "" {
		return a, nil
	}
	if !loopback.Is(host) {
		return nil, fmt.Errorf("%s: other machines can reach %s, so everybody could look: give --admin-password-file or --admin-trust-header, or listen at 127.0.0.1", v.From("admin"), address)
	}
	a.localOnly = true
	return a, nil
}

// allows reports whether whoever asks may look.
func (a *adminAccess) allows(r *http.Request) bool {
	switch {
	case a.localOnly:
		return a.isAskedForByName(r)
	case a.header != "" && r.Header.Get(a.header) != "" && a.comesFromProxy(r) && a.isAskedForByName(r):
		return true
	}
	if _, password, ok := r.BasicAuth(); ok && a.byFile {
		given := sha256.Sum256([]byte(password))
		return subtle.ConstantTimeCompare(given[:], a.password[:]) == 1
	}
	return false
}

// isAskedForByName reports whether whoever asks knows where they are. A page of another site
// can have its name lead to this machine (DNS rebinding); then its script may send any header,
// but the Host is that name. An address is no name that anybody could have changed.
func (a *adminAccess) isAskedForByName(r *http.Request) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if loopback.Is(host) || slices.Contains(a.hosts, host) {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && !a.localOnly
}

// isStrange reports whether a proxy in front asks by a name that is not known, so that
// nobody who is logged in there can look.
func (a *adminAccess) isStrange(r *http.Request) bool {
	return a.header != "" && r.Header.Get(a.header) != "" && a.comesFromProxy(r) && !a.isAskedForByName(r)
}

// comesFromProxy reports whether the request comes from this machine or a trusted proxy.
// Anybody else could set the header themselves.
func (a *adminAccess) comesFromProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	address := peer.Addr().Unmap()
	if address.IsLoopback() {
		return true
	}
	for _, network := range a.believed {
		if network.Contains(address) {
			return true
		}
	}
	return false
}

// only lets those in who may look. Others are asked for the password, if there is one.
func (a *adminAccess) only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.allows(r) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		if a.byFile {
			w.Header().Set("WWW-Authenticate", `Basic realm="goaltrack", charset="UTF-8"`)
			http.Error(w, "the password, please", http.StatusUnauthorized)
			return
		}
		if a.isStrange(r) {
			http.Error(w, "you may not look here: these pages are not known by the name that you asked for; --admin-hosts lists the names", http.StatusForbidden)
			return
		}
		http.Error(w, "you may not look here", http.StatusForbidden)
	})
}

// feed lets those in, too, who bring the token of the feed; the pages open nothing else to
// them. Others are asked for the password, as programs that have it wait to be asked.
func (a *adminAccess) feed(pages http.Handler) http.Handler {
	guarded := a.only(pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if web.HasFeedToken(r, a.feedToken) {
			pages.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// openAdmin listens at the address of --admin. It returns nil if there is none.
func openAdmin(ctx context.Context, v *settings.Values) (*admin, error) {
	address := v.Text("admin")
	if address == "" {
		return nil, nil
	}
	l, err := listen(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.From("admin"), err)
	}
	return &admin{listener: l}, nil
}

// open serves the face of a proxy.
func (a *admin) open(s *proxyServer, access *adminAccess, reported *reporting) error {
	options := web.Options{
		Store: reports.NewMemory(0), Authorize: access.allows, FeedToken: access.feedToken, Logger: s.console.logger,
		Snapshot: s.snapshot, Live: a.live, Preview: s.current.program.preview,
		Letters: func() []goaltrack.DeadLetter { return s.tracker().DeadLetters() },
		Resend: func() (int, error) {
			return s.tracker().Resend(func(goaltrack.DeadLetter) bool { return true })
		},
	}
	if reported != nil {
		options.Store, options.Fresh = reported.store, reported.fresh
	}
	pages, err := web.New(options)
	if err != nil {
		return err
	}
	a.metrics.Watch(s.snapshot)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { tellHealth(w, true, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if s.frontend.ending.Load() {
			tellHealth(w, false, "ending")
			return
		}
		tellHealth(w, true, "ready")
	})
	mux.Handle("GET /metrics", access.only(a.metrics))
	mux.Handle("GET /snapshot.json", access.only(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(s.snapshot()) // the reader has gone
	})))
	limited := bounded(pages)
	if a.live != nil {
		mux.Handle("GET /live/events", access.only(pages)) // which has a bound of its own
	}
	mux.Handle("/feed.csv", access.feed(limited))
	mux.Handle("/", access.only(limited))
	if s.current.program.settings.On("admin-pprof") {
		profiles := newConcurrencyLimit(mostProfiles)
		for path, profile := range map[string]http.HandlerFunc{"": pprof.Index, "profile": pprof.Profile, "trace": pprof.Trace, "symbol": pprof.Symbol} {
			mux.Handle("/debug/pprof/"+path, access.only(profiles.around(profile)))
		}
	}
	a.server = newAdminServer(mux, s.console.logger)
	a.server.RegisterOnShutdown(a.live.Close)
	go func() {
		if err := a.server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
			s.console.logger.Error("the admin pages cannot be shown any more", "error", err)
		}
	}()
	say(s.console.stdout, "admin on %s\n", urlOf(a.listener, false))
	return nil
}

func newAdminServer(handler http.Handler, logger *slog.Logger) *http.Server {
	server := newServer(handler, logger)
	server.WriteTimeout = pageTake // pages, the live list and profiles set another
	server.ConnContext = keepLittle
	return server
}

func tellHealth(w http.ResponseWriter, well bool, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if !well {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	say(w, "%s\n", text)
}

// adminGrace is how long a page may take that is under way when the proxy ends.
const adminGrace = time.Second

// close ends the face. It comes after delivery, so that one can see how that ends.
func (a *admin) close(ctx context.Context) {
	switch {
	case a == nil:
	case a.server == nil:
		_ = a.listener.Close()
	default:
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), adminGrace)
		defer cancel()
		if a.server.Shutdown(ctx) != nil {
			_ = a.server.Close()
		}
	}
}
