package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// frontend takes the connections of visitors, over whatever they speak.
type frontend struct {
	listener *sharedListener
	handler  http.Handler
	secure   *certificate // nil for plain HTTP
	speaks   http.Protocols
	ending   atomic.Bool     // load balancers shall go elsewhere
	cut      context.Context // ends when no request may go on
	cutOff   context.CancelFunc
	console  console
	failed   chan error

	mu      sync.Mutex
	servers []*limitedServer
}

// limitedServer is a server, with the limits that it was made with.
type limitedServer struct {
	*http.Server
	listener *serverListener
	retired  atomic.Bool // another one has taken its place
}

// newFrontend makes the frontend that the settings describe, on a listener.
func newFrontend(v *settings.Values, l net.Listener, secure *certificate, handler http.Handler, c console) *frontend {
	f := &frontend{listener: newSharedListener(l), handler: handler, secure: secure, console: c, failed: make(chan error, 1)}
	f.cut, f.cutOff = context.WithCancel(context.Background())
	f.speaks.SetHTTP1(true)
	f.speaks.SetHTTP2(secure != nil && !v.On("no-http2"))
	f.speaks.SetUnencryptedHTTP2(secure == nil && v.On("h2c"))
	return f
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
func (f *frontend) open(v *settings.Values) {
	a := &limitedServer{listener: f.listener.forServer()}
	a.Server = newServer(f.around(a), f.console.logger)
	a.MaxHeaderBytes, a.ReadHeaderTimeout = v.Count("max-header-bytes"), v.Time("header-timeout")
	a.Protocols = &f.speaks
	a.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAnswer}
	a.ErrorLog = log.New(&limitedLog{logger: f.console.logger, every: 10 * time.Second}, "", 0) // scanners make many lines
	a.BaseContext = func(net.Listener) context.Context { return context.WithValue(context.Background(), cutKey{}, f.cut) }
	a.ConnContext = visitorContext
	var listener net.Listener = visitorListener{a.listener, halfClosedGrace}
	if f.secure != nil {
		a.TLSConfig = f.secure.config()
	}
	f.mu.Lock()
	for _, before := range f.servers {
		before.retired.Store(true)
		_ = before.listener.Close()
	}
	f.servers = append(f.servers, a)
	f.mu.Unlock()
	go func() {
		err := error(nil)
		if f.secure != nil {
			err = a.ServeTLS(listener, "", "")
		} else {
			err = a.Serve(listener)
		}
		if !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
			select {
			case f.failed <- err:
			default:
			}
		}
	}()
}

// around returns a handler whose answers say that the connection ends, if it should:
// "Connection: close", for which net/http sends GOAWAY in HTTP/2. To close idle connections
// would be quicker, but a request that is on its way would be lost.
func (f *frontend) around(a *limitedServer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (f.ending.Load() || a.retired.Load()) && upgradeOf(r.Header) == "" {
			w.Header().Set("Connection", "close")
		}
		f.handler.ServeHTTP(w, r)
	})
}

// linger goes on as before for a while, so that load balancers notice that they
// should send nothing any more.
func (f *frontend) linger(ctx context.Context, delay time.Duration) {
	f.ending.Store(true)
	if !isTold(ctx) || delay == 0 {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case err := <-f.failed:
		f.failed <- err
	}
}

// end takes no connections any more and lets requests finish, but not for longer
// than patience.
func (f *frontend) end(patience time.Duration) {
	_ = f.listener.Close()
	grace, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f.mu.Lock()
	defer f.mu.Unlock()
	var all sync.WaitGroup
	var cutShort atomic.Bool
	for _, s := range f.servers {
		all.Go(func() {
			if s.Shutdown(grace) != nil {
				cutShort.Store(true)
			}
		})
	}
	all.Wait()
	if cutShort.Load() {
		f.console.logger.Warn("requests were cut short", "after", patience)
	}
	f.cutOff()
	for _, s := range f.servers {
		_ = s.Close()
	}
}
