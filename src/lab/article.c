#include "lab/article.h"

#include "base/error.h"
#include "lab/catalogue.h"
#include "lab/reader.h"
#include "lab/text.h"

struct reading {
    struct reader reader;
    struct text_reading text;
    struct article_claim *claim;
    struct article_claim **next;
};

static void begin_claim(struct reading *reading)
{
    struct article_claim *claim = reader_alloc(&reading->reader, sizeof *claim);
    if (!claim)
        return;
    *reading->next = claim;
    reading->next = &claim->next;
    reading->claim = claim;
}

static void read_by(struct reading *reading)
{
    struct reader *reader = &reading->reader;
    for (int i = 0; reader_peek(reader).at; i++) {
        struct word word = reader_peek(reader);
        if (i == ARTICLE_BY_MAX) {
            reader_fail_say(reader, word, "more than %d experiments", ARTICLE_BY_MAX);
            return;
        }
        reading->claim->by[i] = reader_name(reader, "an experiment's name");
        if (reader->failed)
            return;
    }
}

static void read_verdict(struct reading *reading)
{
    static const char *const words[] = {[ARTICLE_HOLDS] = "holds",
                                        [ARTICLE_PARTLY] = "partly",
                                        [ARTICLE_FAILS] = "fails"};
    struct word word = reader_take(&reading->reader);
    for (int i = 0; i < 3; i++) {
        if (word_is(word, words[i])) {
            reading->claim->verdict = (enum article_verdict)i;
            return;
        }
    }
    reader_fail(&reading->reader, word, "holds, partly or fails");
}

/* Each claim begins with its sentence, in either language. */
static void read_line(struct reading *reading)
{
    struct reader *reader = &reading->reader;
    if (text_goes_on(&reading->text, reader))
        return;
    struct word word = reader_take(reader);
    bool sentence = word_is(word, "sentence");
    if (sentence && (!reading->claim || reading->claim->by[0]))
        begin_claim(reading);
    if (reader->failed)
        return;
    if (!reading->claim)
        reader_fail(reader, word, "sentence");
    else if (sentence)
        text_begin(&reading->text, reader, &reading->claim->sentence);
    else if (word_is(word, "remark"))
        text_begin(&reading->text, reader, &reading->claim->remark);
    else if (word_is(word, "by"))
        read_by(reading);
    else if (word_is(word, "verdict"))
        read_verdict(reading);
    else
        reader_fail(reader, word, "sentence, by, verdict or remark");
}

int article_read_text(const char *name, const char *text, size_t length,
                      struct article *ret_article, struct error *err)
{
    struct article article = {.claims = NULL};
    arena_init(&article.arena, 0);
    struct reading reading = {.next = &article.claims};
    reader_begin(&reading.reader, name, text, length, &article.arena, err);
    while (reader_next_line(&reading.reader))
        read_line(&reading);
    if (reading.reader.failed)
        arena_done(&article.arena);
    else
        *ret_article = article;
    return reading.reader.failed;
}

int article_read(struct article *ret_article, struct error *err)
{
    return article_read_text(lab_article[0].name, lab_article[0].text,
                             lab_article[0].length, ret_article, err);
}

void article_done(struct article *article)
{
    arena_done(&article->arena);
    article->claims = NULL;
}
