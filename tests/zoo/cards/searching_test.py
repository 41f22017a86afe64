import marshal
import os
import pathlib
import subprocess
import sys

import jieba
import pytest
from click.testing import CliRunner

import zoo
from zoo.cards.searching import scores
from zoo.cards.searching import words
from zoo.cli import main

ROOT = pathlib.Path(__file__).parents[3]
POSTS = [
    ("2018年天象预报", "今年的月食、流星雨和行星。"),
    ("新词发现的信息熵方法与实现", "从语料中自动发现新词，给出算法。"),
    ("更别致的词向量模型", "一种新的算法。"),
    ("天文摄影笔记", "2018年拍到的天象。"),
    ("Keras Notes", "How to write a Layer."),
]


def ranked(query, documents=POSTS):
    found = scores(query, documents)
    order = sorted(range(len(found)), key=lambda i: (-found[i], i))
    return [(i, found[i]) for i in order if found[i]]


def test_the_first_case_of_the_post():
    # As a whole string "2018天象" stands in no title and no text.
    assert not any("2018天象" in title + text for title, text in POSTS)
    assert ranked("2018天象") == [(0, 4), (3, 2)]


def test_the_second_case_of_the_post():
    assert ranked("新词算法") == [(1, 4), (2, 1)]


def test_title_counts_two_and_text_one():
    documents = [("capsule", ""), ("", "capsule"), ("capsule", "capsule")]
    assert scores("capsule", documents) == [2, 1, 3]


def test_every_word_is_optional_and_counts_once():
    documents = [("one two", ""), ("one", ""), ("three", "")]
    assert scores("one one two", documents) == [4, 2, 0]


def test_a_latin_word_is_found_from_its_beginning_alone():
    documents = [("poem", ""), ("EM-routing", ""), ("routings by em", "")]
    assert scores("em", documents) == [0, 2, 2]
    assert scores("routing", documents) == [0, 2, 2]


@pytest.mark.parametrize("query", ["keras layer", "KERAS  Layer!"])
def test_case_and_punctuation_do_not_matter(query):
    assert ranked(query) == [(4, 3)]


def test_a_query_without_words_is_sought_as_a_whole():
    documents = [("C++", "++"), ("C+", "")]
    assert words("++") == []
    assert scores("++", documents) == [3, 0]


def test_nothing_found():
    assert scores("量子力学", POSTS) == [0] * len(POSTS)
    assert zoo.search("量子力学") == []


def test_words_that_end_in_y_stand_for_others():
    assert zoo.search("anomaly detection")[0].name == "tabular_vae"
    found = {hit.name for hit in zoo.search("classify photos")}
    assert {"capsnet", "efficient_capsnet", "pooling_cnn"} <= found


@pytest.mark.parametrize("query", ["", "  "])
def test_empty_query(query):
    with pytest.raises(ValueError, match="words to search for"):
        zoo.search(query)


def test_query_must_be_a_string():
    with pytest.raises(TypeError, match="query=3"):
        zoo.search(3)


QUERIES = {
    "条件 变分自编码器": "conditional_vae",
    "conditional vae": "conditional_vae",
    "卷积变分自编码器": "conv_vae",
    "convolutional autoencoder colour": "conv_vae",
    "dense_vae": "dense_vae",
    "隐变量平面": "dense_vae",
    "按类别生成手写数字": "conditional_vae",
    "Dynamic Routing Between Capsules": "capsnet",
    "动态路由 解码器": "capsnet",
    "capsule_cnn": "capsule_cnn",
    "两个数字 胶囊": "capsule_cnn",
    "pooling": "pooling_cnn",
    "全局平均池化": "pooling_cnn",
    "作诗机器人": "poem_vae",
    "write couplets": "poem_vae",
    "矩阵胶囊": "matrix_capsnet",
    "EM routing": "matrix_capsnet",
    "importance weighted": "importance_weighted_vae",
    "重要性加权": "importance_weighted_vae",
    "text classification attention": "gated_cnn_classifier",
    "门控卷积 文本分类": "gated_cnn_classifier",
}


@pytest.mark.parametrize(("query", "name"), QUERIES.items())
def test_queries_that_a_user_types(query, name):
    hits = zoo.search(query)
    assert hits[0].name == name
    assert [hit.score for hit in hits] == sorted(
        (hit.score for hit in hits), reverse=True
    )


@pytest.fixture(scope="module")
def whole_dictionary(tmp_path_factory):
    segmenter = jieba.Tokenizer()
    segmenter.tmp_dir = tmp_path_factory.mktemp("jieba")
    segmenter.add_word("变分自编码器")
    return segmenter


@pytest.mark.parametrize(
    "text",
    [
        *QUERIES,
        *(part for post in POSTS for part in post),
        "变分自编码器的变分自编码",
        "c++ [a-z] ^卡拉ok\n三级跳远\t100米 AT&T",
        "他来到了网易杭研大厦，小明硕士毕业于中国科学院计算所",
    ],
)
def test_words_are_those_of_the_whole_dictionary(text, whole_dictionary):
    found = [
        word
        for word in whole_dictionary.lcut(text)
        if any(map(str.isalnum, word))
    ]
    assert words(text) == list(dict.fromkeys(found))


def test_nothing_of_the_shared_temporary_folder_is_read_or_written(tmp_path):
    cache = tmp_path / "jieba.cache"
    put_there = marshal.dumps(({"胶": 0, "胶囊网": 10**9}, 10**9))
    cache.write_bytes(put_there)
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "search", "胶囊网络"],
        capture_output=True,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONUTF8": "1"},
        encoding="utf-8",
    )
    found = [line.split()[0] for line in done.stdout.splitlines()]
    expected = zoo.search("胶囊网络")
    assert found == [hit.name for hit in expected]
    assert done.stderr == ""
    assert [*tmp_path.iterdir()] == [cache]
    assert cache.read_bytes() == put_there


def test_command_line():
    result = CliRunner().invoke(main, ["search", "capsule", "routing"])
    assert result.exit_code == 0
    names = [line.split()[0] for line in result.output.splitlines()]
    assert names == [hit.name for hit in zoo.search("capsule routing")]
    refused = CliRunner().invoke(main, ["search", "量子力学"])
    assert refused.exit_code == 1 and "Nothing fits" in refused.output
