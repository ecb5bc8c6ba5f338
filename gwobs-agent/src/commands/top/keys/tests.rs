use super::super::screen::Order;
use super::*;

fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
    meaning(&Event::Key(KeyEvent::new(code, modifiers)))
}

#[test]
fn keys_have_a_meaning() {
    for (code, key) in [
        (KeyCode::Char('q'), Some(Key::Quit)),
        (KeyCode::Esc, Some(Key::Quit)),
        (KeyCode::Char('c'), None),
        (KeyCode::Char('s'), Some(Key::Order)),
        (KeyCode::Down, Some(Key::Down)),
        (KeyCode::Char(' '), Some(Key::Hold)),
        (KeyCode::F(1), None),
    ] {
        assert_eq!(pressed(code, KeyModifiers::NONE), key, "{code:?}");
    }
    assert_eq!(pressed(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Quit));
    assert_eq!(meaning(&Event::Resize(80, 24)), Some(Key::Redraw));
    assert_eq!(meaning(&Event::FocusLost), None);
}

#[test]
fn scrolling_stays_within_the_rows() {
    let press = |view: View, key| view.press(key, 3).unwrap();
    let mut view = View::default();
    for _ in 0..5 {
        view = press(view, Key::Down);
    }
    assert_eq!(view.scrolled, 2);
    assert_eq!(press(view, Key::Up).scrolled, 1);
    assert_eq!(press(View::default(), Key::Up).scrolled, 0);
    assert_eq!(View::default().press(Key::Down, 0).unwrap().scrolled, 0);
}

#[test]
fn another_order_begins_at_the_top() {
    let view = View {
        scrolled: 2,
        ..View::default()
    };
    let view = view.press(Key::Order, 3).unwrap();
    assert_eq!((view.order, view.scrolled), (Order::Requests, 0));
}

#[test]
fn the_picture_is_held_and_let_go() {
    let held = View::default().press(Key::Hold, 1).unwrap();
    assert!(held.held && !held.press(Key::Hold, 1).unwrap().held);
    assert_eq!(held.press(Key::Quit, 1), None);
}
