/* Words for the index and for a search. FTS5's tokenizer takes a run of letters as one word;
 * Chinese, Japanese kana and Hangul write no spaces, so each of their characters is made a word
 * of its own, and a word of a search is a phrase of them. Pure; private to history/. */
#ifndef WOSHOU_HISTORY_WORDS_H
#define WOSHOU_HISTORY_WORDS_H

#include <stddef.h>

struct buffer;

/* Appends the text as it is indexed. Returns 0 or the buffer's failure. */
int words_spread(struct buffer *buffer, const char *text, size_t length);
/* Appends what FTS5 is asked for a search as people write it: words between spaces, all of
 * which must be there; one that ends in * stands for all that begin so; nothing else has a
 * meaning. ERROR_ARGUMENT where there is no word, or the buffer's failure. */
int words_query(struct buffer *buffer, const char *search);

#endif
