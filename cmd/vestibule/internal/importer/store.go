package importer

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vestibule-go/auth"
)

// workers is how many users are looked up or added at once. More make no database faster that was tried.
const workers = 8

var (
	// errGone is for a store that contradicts itself.
	errGone = errors.New("the store has the user, and then has not")

	// errOwnIDs is for a store that replaces the ID of who is added, as it may.
	errOwnIDs = errors.New("the store chooses IDs of its own, so that those of the source cannot be kept")
)

// Compare looks for every user in the store. It adds a [Fault] for each who is there with another hash, unless
// they are to be kept. After it [Plan.Result] says what Import would do. The error is the store's, or that of ctx.
func (p *Plan) Compare(ctx context.Context, store auth.UserStore) error {
	chunks := slices.Collect(slices.Chunk(p.in(unknown), 1))
	return p.each(ctx, workers, chunks, func(ctx context.Context, rs []*row) error {
		r := rs[0]
		there, err := store.UserByLogin(ctx, r.user.Email)
		switch {
		case errors.Is(err, auth.ErrNotFound):
			r.state = absent
			return p.idTaken(ctx, store, r)
		case err != nil:
			return err
		}
		p.settle(r, there)
		return nil
	})
}

// idTaken refuses a row whose ID is to be kept, and has become another's.
func (p *Plan) idTaken(ctx context.Context, store auth.UserStore, r *row) error {
	if !p.opts.KeepIDs {
		return nil
	}
	switch _, err := store.UserByID(ctx, r.oldID); {
	case err == nil:
		p.refuse(r, "another user has this ID")
	case !errors.Is(err, auth.ErrNotFound):
		return err
	}
	return nil
}

// Bulk adds users as CreateUser would, all at once or, if it returns an error, perhaps none. It returns those whose
// email or ID is taken. That of package sqlstore is Store.CreateUsers.
type Bulk func(context.Context, []*auth.User) (taken []*auth.User, err error)

// batch is how many users Bulk gets at once. Others who write to SQLite wait for it.
const batch = 200

// Import adds the users that Compare has not found, by bulk or, if that is nil, by one CreateUser each. Nobody is
// ever overwritten: who has come in between is a [Fault], or kept. The users that were added stay when ctx ends,
// or the store fails, and another import finds them there: it goes on where this one has stopped.
func (p *Plan) Import(ctx context.Context, store auth.UserStore, bulk Bulk) error {
	rows := p.in(absent)
	if bulk == nil {
		return p.each(ctx, workers, slices.Collect(slices.Chunk(rows, 1)), func(ctx context.Context, rs []*row) error {
			return p.add(ctx, store, rs, one(store))
		})
	}
	return p.each(ctx, 1, slices.Collect(slices.Chunk(rows, batch)), func(ctx context.Context, rs []*row) error {
		return p.add(ctx, store, rs, bulk)
	})
}

// one is a Bulk for one user.
func one(store auth.UserStore) Bulk {
	return func(ctx context.Context, users []*auth.User) ([]*auth.User, error) {
		err := store.CreateUser(ctx, users[0])
		if errors.Is(err, auth.ErrExists) {
			return users, nil
		}
		return nil, err
	}
}

func (p *Plan) add(ctx context.Context, store auth.UserStore, rows []*row, bulk Bulk) error {
	var users []*auth.User
	for _, r := range rows {
		users = append(users, r.user)
	}
	taken, err := bulk(ctx, users)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if slices.Contains(taken, r.user) {
			if err := p.overtaken(ctx, store, r); err != nil {
				return err
			}
			continue
		}
		if r.newID, r.state = r.user.ID, imported; p.opts.KeepIDs && r.newID != r.oldID {
			return errOwnIDs
		}
	}
	return nil
}

// overtaken settles a row whose email or ID was not taken when Compare looked.
func (p *Plan) overtaken(ctx context.Context, store auth.UserStore, r *row) error {
	there, err := store.UserByLogin(ctx, r.user.Email)
	switch {
	case errors.Is(err, auth.ErrNotFound) && p.opts.KeepIDs:
		p.refuse(r, "another user has this ID")
		return nil
	case errors.Is(err, auth.ErrNotFound):
		return errGone
	case err != nil:
		return err
	}
	p.settle(r, there)
	return nil
}

// settle says what becomes of a row whose email has a user already.
func (p *Plan) settle(r *row, there *auth.User) {
	r.newID = there.ID
	switch same := there.PasswordHash == r.user.PasswordHash; {
	case p.opts.KeepIDs && there.ID != r.oldID:
		p.refuse(r, "a user with this email is there already, and has another ID")
	case same:
		r.state = already
	case !p.opts.KeepExisting:
		p.refuse(r, "a user with this email is there already, and has another password hash")
	case there.Version == 1 && reader(there.PasswordHash) == r.reader: // nobody has logged in here since the import
		r.state = changed
	default:
		r.state = kept
	}
}

// each calls work with each chunk of rows, by so many goroutines, until one fails or ctx ends. What has begun then is
// finished.
func (p *Plan) each(ctx context.Context, workers int, chunks [][]*row, work func(context.Context, []*row) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next, finished, done atomic.Int64
	end := p.report(&done, total(chunks))
	defer end()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= int64(len(chunks)) {
					return
				}
				if err := work(context.WithoutCancel(ctx), chunks[i]); err != nil {
					stop(err)
					return
				}
				finished.Add(1)
				done.Add(int64(len(chunks[i])))
			}
		})
	}
	wg.Wait()
	if finished.Load() == int64(len(chunks)) {
		return nil
	}
	return context.Cause(ctx)
}

func total(chunks [][]*row) (n int) {
	for _, c := range chunks {
		n += len(c)
	}
	return n
}

// in returns the rows in one of these states.
func (p *Plan) in(states ...state) (rows []*row) {
	for _, r := range p.rows {
		for _, s := range states {
			if r.state == s {
				rows = append(rows, r)
			}
		}
	}
	return rows
}

// report calls Progress now and then, and once more at the end.
func (p *Plan) report(done *atomic.Int64, total int) (end func()) {
	if p.Progress == nil {
		return func() {}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			p.Progress(int(done.Load()), total)
			select {
			case <-tick.C:
			case <-stop:
				p.Progress(int(done.Load()), total)
				return
			}
		}
	}()
	return func() { close(stop); <-stopped }
}
