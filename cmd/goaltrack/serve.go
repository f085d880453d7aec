package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// requestGrace is how long requests may go on after SIGTERM, in a command
// without a setting for it.
const requestGrace = 4 * time.Second

func newServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:                      handler,
		ReadHeaderTimeout:            10 * time.Second,
		IdleTimeout:                  2 * time.Minute, // longer than a load balancer keeps its side
		DisableGeneralOptionsHandler: true,            // OPTIONS * is for the handler too
		ErrorLog:                     slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		// No ReadTimeout and no WriteTimeout: both would cut streams and slow
		// uploads that work without a proxy.
	}
}

// serve answers on the listener until ctx ends. Then it lets requests finish,
// but not for longer than patience. It returns nil if ctx ended it.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, patience time.Duration, c console) error {
	server := newServer(handler, c.logger)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	say(c.stdout, "listening on %s\n", urlOf(listener, false))

	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		c.logger.Warn("requests were cut short", "after", patience)
		_ = server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
