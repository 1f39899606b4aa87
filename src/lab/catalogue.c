#include "lab/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/read.h"

enum { COMPARED = 48 };

int catalogue_read(size_t index, struct experiment **ret_experiment, struct error *err)
{
    const struct lab_text_file *file = &lab_texts[index];
    return experiment_read(file->name, file->text, file->length, ret_experiment, err);
}

const char *catalogue_name(size_t index, char ret_name[CATALOGUE_NAME])
{
    const char *begin = lab_texts[index].name;
    const char *dash = strchr(begin, '-');
    const char *end = strrchr(begin, '.');
    begin = dash ? dash + 1 : begin;
    int length = end ? (int)(end - begin) : (int)strlen(begin);
    snprintf(ret_name, CATALOGUE_NAME, "%.*s", length, begin);
    return ret_name;
}

int catalogue_find(const char *name)
{
    char text[CATALOGUE_NAME], *end;
    long number = strtol(name, &end, 10);
    for (size_t i = 0; i < lab_texts_count; i++) {
        if (strcmp(catalogue_name(i, text), name) == 0)
            return (int)i;
        if (*name && *end == '\0' && strtol(lab_texts[i].name, NULL, 10) == number)
            return (int)i;
    }
    return -1;
}

/* Levenshtein's: how many letters to add, take away or change. */
static int distance(const char *a, const char *b)
{
    int row[COMPARED + 1];
    size_t length_a = strlen(a), length_b = strlen(b);
    if (length_a > COMPARED || length_b > COMPARED)
        return COMPARED;
    for (size_t k = 0; k <= length_b; k++)
        row[k] = (int)k;
    for (size_t i = 1; i <= length_a; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t k = 1; k <= length_b; k++) {
            int change = diagonal + (a[i - 1] != b[k - 1]);
            int least = row[k] < row[k - 1] ? row[k] : row[k - 1];
            diagonal = row[k];
            row[k] = least + 1 < change ? least + 1 : change;
        }
    }
    return row[length_b];
}

const char *catalogue_nearest(const char *name, char ret_name[CATALOGUE_NAME])
{
    char text[CATALOGUE_NAME];
    int best = COMPARED;
    for (size_t i = 0; i < lab_texts_count; i++) {
        catalogue_name(i, text);
        /* A part of a name is near, however long the rest is. */
        int far = strlen(name) >= 3 && strstr(text, name) ? 1 : distance(name, text);
        if (far < best) {
            best = far;
            memcpy(ret_name, text, sizeof text);
        }
    }
    return best <= 2 + (int)strlen(name) / 3 && best < COMPARED ? ret_name : NULL;
}
