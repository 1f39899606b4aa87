/* Notes beside a picture: in the right margin a number for each, on its row, an arrow from
 * it to the row, and its text behind it, broken into lines and moved down where the note
 * above needs the room. */
#ifndef WOSHOU_DRAW_NOTING_H
#define WOSHOU_DRAW_NOTING_H

struct layout;

/* Writes the notes' texts and takes their room: layout->notes and its `note_width`; 0 where
 * the ladder has none. 0 or ERROR_MEMORY. */
int noting_write(struct layout *layout);
/* Places them, with the rows and layout->rows_right standing; returns how far down they
 * reach. */
double noting_place(struct layout *layout);

#endif
