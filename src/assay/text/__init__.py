"""What models read: corpora by name or file, random crops, chat transcripts with roles."""

from assay.text.chat import ChatTokens, tokenize_chat
from assay.text.corpora import CORPORA, Corpus, Document, fetch_corpus, read_corpus
from assay.text.crops import Crops, random_crops, split_documents
from assay.text.transcripts import Message, Transcript, read_transcripts

__all__ = [
    "CORPORA",
    "ChatTokens",
    "Corpus",
    "Crops",
    "Document",
    "Message",
    "Transcript",
    "fetch_corpus",
    "random_crops",
    "read_corpus",
    "read_transcripts",
    "split_documents",
    "tokenize_chat",
]
