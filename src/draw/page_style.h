/* How pages look: their style sheet. */
#ifndef WOSHOU_DRAW_PAGE_STYLE_H
#define WOSHOU_DRAW_PAGE_STYLE_H

struct buffer;

/* Appends the whole sheet, the pictures' included: what stands inside <style>. */
void page_style(struct buffer *out);

#endif
