package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// entrance is where visitors arrive, over whatever they speak.
type entrance struct {
	lobby   *lobby
	handler http.Handler
	secure  *certificate // nil for plain HTTP
	speaks  http.Protocols
	ending  atomic.Bool     // load balancers shall go elsewhere
	cut     context.Context // ends when no request may go on
	cutOff  context.CancelFunc
	console console
	failed  chan error

	mu      sync.Mutex
	servers []*arrivals
}

// arrivals is a server, with the limits that it was made with.
type arrivals struct {
	*http.Server
	door    *door
	retired atomic.Bool // another one has taken its place
}

// newEntrance makes the entrance that the settings describe, on a listener.
func newEntrance(v *settings.Values, l net.Listener, secure *certificate, handler http.Handler, c console) *entrance {
	e := &entrance{lobby: newLobby(l), handler: handler, secure: secure, console: c, failed: make(chan error, 1)}
	e.cut, e.cutOff = context.WithCancel(context.Background())
	e.speaks.SetHTTP1(true)
	e.speaks.SetHTTP2(secure != nil && !v.On("no-http2"))
	e.speaks.SetUnencryptedHTTP2(secure == nil && v.On("h2c"))
	return e
}

// Bounds of HTTP/2 connections. A client that says nothing for the first is asked, and
// is gone if it does not answer within the second. So is one that has stopped in the
// middle of a header, for which net/http has no time limit in HTTP/2.
const (
	pingAfter  = 30 * time.Second
	pingAnswer = 15 * time.Second
)

// open takes connections with the limits on headers that the settings say. What came before
// goes on under the limits of then, but the answers say that the connection ends.
func (e *entrance) open(v *settings.Values) {
	a := &arrivals{door: e.lobby.door()}
	a.Server = newServer(e.around(a), e.console.logger)
	a.MaxHeaderBytes, a.ReadHeaderTimeout = v.Count("max-header-bytes"), v.Time("header-timeout")
	a.Protocols = &e.speaks
	a.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAnswer}
	a.ErrorLog = log.New(&seldom{logger: e.console.logger, every: 10 * time.Second}, "", 0) // scanners make many lines
	a.BaseContext = func(net.Listener) context.Context { return context.WithValue(context.Background(), cutKey{}, e.cut) }
	a.ConnContext = visitorContext
	var listener net.Listener = noting{a.door}
	if e.secure != nil {
		a.TLSConfig = e.secure.config()
	}
	e.mu.Lock()
	for _, before := range e.servers {
		before.retired.Store(true)
		_ = before.door.Close()
	}
	e.servers = append(e.servers, a)
	e.mu.Unlock()
	go func() {
		err := error(nil)
		if e.secure != nil {
			err = a.ServeTLS(listener, "", "")
		} else {
			err = a.Serve(listener)
		}
		if !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			select {
			case e.failed <- err:
			default:
			}
		}
	}()
}

// around returns a handler whose answers say that the connection ends, if it should:
// "Connection: close", for which net/http sends GOAWAY in HTTP/2. To close idle connections
// would be quicker, but a request that is on its way would be lost.
func (e *entrance) around(a *arrivals) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (e.ending.Load() || a.retired.Load()) && r.Header.Get("Upgrade") == "" {
			w.Header().Set("Connection", "close")
		}
		e.handler.ServeHTTP(w, r)
	})
}

// isTold reports whether a command ends because a signal tells it to leave, as an
// orchestrator does, and not a person who waits at a terminal.
func isTold(ctx context.Context) bool {
	told, ok := errors.AsType[*signalled](context.Cause(ctx))
	return ok && told.Signal == syscall.SIGTERM
}

// signalled is why a command ends.
type signalled struct{ os.Signal }

// Error implements error.
func (s *signalled) Error() string { return s.String() }

// linger goes on as before for a while, so that load balancers notice that they
// should send nothing any more.
func (e *entrance) linger(ctx context.Context, delay time.Duration) {
	e.ending.Store(true)
	if !isTold(ctx) || delay == 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case err := <-e.failed:
		e.failed <- err
	}
}

// end takes no connections any more and lets requests finish, but not for longer
// than patience.
func (e *entrance) end(patience time.Duration) {
	_ = e.lobby.Close()
	grace, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	e.mu.Lock()
	defer e.mu.Unlock()
	var all sync.WaitGroup
	var cutShort atomic.Bool
	for _, s := range e.servers {
		all.Go(func() {
			if s.Shutdown(grace) != nil {
				cutShort.Store(true)
			}
		})
	}
	all.Wait()
	if cutShort.Load() {
		e.console.logger.Warn("requests were cut short", "after", patience)
	}
	e.cutOff()
	for _, s := range e.servers {
		_ = s.Close()
	}
}
