DROP TABLE resealing;
